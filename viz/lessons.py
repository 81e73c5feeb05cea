"""Lessons: Markdown files read into steps; predict, try, check, discuss.

A lesson opens with `# Title`, lines `scenario:`, `minutes:` and `about:`, then `## Predict: ...` and so on. In a step,
`? question` with lines `( ) answer` is a prediction, and `- [ ] text {do: what}` a task that ticks itself once that was done:
`change PATH`, `open KIND NAME`, `week DATE`, `view both`, `play`, `predict`, `pin`, `preset NAME`; `|` between them means either.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from sim.scenario_io import shipped_folder

STEPS = ("predict", "try", "check", "discuss")
DEEDS = ("change", "open", "week", "view", "play", "predict", "pin", "preset")

_STEP = re.compile(r"^## (Predict|Try|Check|Discuss)(?::\s*(.*))?$")
_TASK = re.compile(r"^- \[ \] (.*?)(?:\s*\{do: ([^}]*)\})?$")
_HEAD = re.compile(r"^(scenario|minutes|about|language):\s*(.+)$")


@dataclass
class Task:
    """Something to do; `when` lists deeds of which any ticks it, none for a box one ticks by hand."""

    text: str
    when: list[dict[str, str]] | None = None


@dataclass
class Step:
    """One part of a lesson: its words as HTML, a question with answers, tasks."""

    kind: str
    title: str
    html: str = ""
    question: str = ""
    options: list[str] = field(default_factory=list)
    todo: list[Task] = field(default_factory=list)


@dataclass
class Lesson:
    """One lesson, ready for the page."""

    id: str
    title: str
    scenario: str
    minutes: str
    about: str
    steps: list[Step]


def parse(name: str, text: str) -> Lesson:
    """The lesson in a text. Raises ValueError, with the line, where it breaks the form."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("# "):
        raise ValueError(f"{name}, line 1: a lesson begins with `# Title`")
    head: dict[str, str] = {}
    steps: list[Step] = []
    prose: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if match := _STEP.match(line):
            _close(steps, prose)
            steps.append(Step(match[1].lower(), (match[2] or "").strip()))
        elif line.startswith("## "):
            raise ValueError(f"{name}, line {number}: {line!r} is none of Predict, Try, Check, Discuss")
        elif not steps and (match := _HEAD.match(line)):
            head[match[1]] = match[2].strip()
        elif steps and (match := _TASK.match(line)):
            steps[-1].todo.append(Task(match[1].replace("*", ""), _deeds(match[2], name, number)))
        elif steps and line.startswith("? "):
            steps[-1].question = line[2:].strip()
        elif steps and line.startswith("( ) "):
            steps[-1].options.append(line[4:].strip())
        else:
            prose.append(line)
    _close(steps, prose)
    missing = [word for word in ("scenario", "minutes", "about") if word not in head]
    if missing or [kind for kind in STEPS if kind not in {step.kind for step in steps}]:
        raise ValueError(f"{name}: it needs {', '.join(missing) or 'each of Predict, Try, Check, Discuss'}")
    return Lesson(name, lines[0][2:].strip(), head["scenario"], head["minutes"], head["about"], steps)


def _deeds(said: str | None, name: str, number: int) -> list[dict[str, str]] | None:
    if not said:
        return None
    out = []
    for part in said.split("|"):
        deed, _, rest = part.strip().partition(" ")
        if deed not in DEEDS:
            raise ValueError(f"{name}, line {number}: {deed!r} is none of {', '.join(DEEDS)}")
        out.append({"do": deed, "with": rest.strip()})
    return out


def _close(steps: list[Step], prose: list[str]) -> None:
    if steps:
        steps[-1].html = html("\n".join(prose))
    prose.clear()


def html(markdown: str) -> str:
    """Markdown as HTML, raw HTML in it shown as text."""
    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown.strip())
    return rendered


def folder() -> Path:
    return shipped_folder() / "teaching" / "lessons"


@cache
def lessons(language: str = "en") -> tuple[Lesson, ...]:
    """The shipped lessons of a language in the order of their files, English where there is no other."""
    found = []
    for path in sorted(folder().glob("*.en.md")):
        if ".teacher." in path.name:
            continue
        own = path.with_name(path.name.replace(".en.md", f".{language}.md"))
        path = own if own.exists() else path
        found.append(parse(path.name.split(".")[0], path.read_text(encoding="utf-8")))
    return tuple(found)


def notes(name: str, language: str = "en") -> str:
    """The teacher's page of a lesson as HTML, English where there is no other; nothing where the lesson is not one of ours."""
    return _notes(name, language) if name in {lesson.id for lesson in lessons(language)} else ""


@cache
def _notes(name: str, language: str) -> str:
    own, english = (folder() / f"{name}.teacher.{code}.md" for code in (language, "en"))
    path = own if own.exists() else english
    return html(path.read_text(encoding="utf-8")) if path.exists() else ""


def plain(found: tuple[Lesson, ...]) -> list[dict[str, Any]]:
    """Lessons as the page takes them."""
    return [asdict(lesson) for lesson in found]
