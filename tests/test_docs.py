"""The pages tell the truth: what they name exists, what exists is named, links lead somewhere, and commands run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
ELEMENTS = ("Purpose and patterns", "Entities, state variables and scales", "Process overview and scheduling",
            "Design concepts", "Initialization", "Input data", "Submodels")
CONCEPTS = ("Basic principles", "Emergence", "Adaptation", "Objectives", "Learning", "Prediction", "Sensing",
            "Interaction", "Stochasticity", "Collectives", "Observation")


@cache
def odd() -> str:
    return (DOCS / "odd.md").read_text()


@cache
def by_hand() -> str:
    """docs/odd.md without its generated tables."""
    return re.sub(r"<!-- table: \w+ -->\n.*?<!-- end -->", "", odd(), flags=re.DOTALL)


@cache
def observable_names() -> frozenset[str]:
    from sim.metrics import metrics

    return frozenset(metric.name for metric in metrics())


@cache
def parameter_names() -> frozenset[str]:
    from sim.parameters import Behaviour

    return frozenset(Behaviour.model_fields)


@cache
def scenario_words() -> frozenset[str]:
    """Every key and every fixed value that a scenario file may hold, and the channels of the record."""
    from sim.record import CHANNELS
    from sim.scenario import Scenario

    words: set[str] = set(CHANNELS)

    def gather(part: Any) -> None:
        if isinstance(part, dict):
            words.update(part.get("properties", {}))
            words.update(str(word) for word in (*part.get("enum", ()), part.get("const", "")))
            for value in part.values():
                gather(value)
        elif isinstance(part, list):
            for value in part:
                gather(value)

    gather(json.loads(json.dumps(Scenario.model_json_schema())))
    return frozenset(words)


def ticked(text: str) -> set[str]:
    """Identifiers written `so`."""
    return set(re.findall(r"`([a-z][a-z0-9_]*)`", text))


# --- the ODD page and the code

def test_odd_has_its_elements_and_concepts() -> None:
    assert tuple(re.findall(r"^## \d\. (.+)$", odd(), re.MULTILINE)) == ELEMENTS
    fourth = odd()[odd().index("## 4."):odd().index("## 5.")]
    assert tuple(re.findall(r"^\*\*(.+?)\.\*\*", fourth, re.MULTILINE)) == CONCEPTS


def test_odd_names_every_parameter() -> None:
    missing = sorted(parameter_names() - ticked(by_hand()))
    assert not missing


def test_odd_names_every_observable() -> None:
    missing = sorted(observable_names() - ticked(by_hand()))
    assert not missing


def test_odd_names_nothing_else() -> None:
    known = parameter_names() | observable_names() | scenario_words() | {"tpp", "h100e", "inert"}
    invented = sorted(ticked(by_hand()) - known)
    assert not invented


def test_every_parameter_is_read_by_a_rule() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "sim").rglob("*.py") if path.name != "parameters.py")
    unread = sorted(name for name in parameter_names() if not re.search(rf"\b{name}\b", source))
    assert not unread, f"no rule reads {unread}"


@pytest.mark.parametrize("page", ["odd.md", "assumptions.md"])
def test_generated_tables_are_current(page: str) -> None:
    import sim
    from experiments.odd import renewed

    text = (DOCS / page).read_text()
    assert renewed(text, sim.load("history")) == text, "run: python -m experiments.odd"


def test_assumptions_fit_a_page() -> None:
    assert len((DOCS / "assumptions.md").read_text().splitlines()) <= 160


def test_odd_cites_facts_and_files_that_exist() -> None:
    facts = (ROOT / "scenarios/facts/open.yaml").read_text()
    assert not [fact for fact in re.findall(r"\[([A-Z]\d\d)\]", odd()) if not re.search(rf"\b{fact}\b", facts)]
    files = re.findall(r"`((?:world|rules|facts)/[\w.]*)`", odd())
    assert files
    assert not [name for name in files if not (ROOT / "scenarios" / name).exists()]


# --- links

def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        other = (page.parent / name) if name else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other)):
            lost.append(target)
    assert not lost


# --- commands

def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Fenced blocks of a page: language, content, and the comment on the line above, if any."""
    pattern = re.compile(r"(?:^<!-- (?P<note>[^>]*) -->\n)?^```(?P<language>\w*)\n(?P<content>.*?)^```$",
                         re.MULTILINE | re.DOTALL)
    for match in pattern.finditer(page.read_text()):
        yield match["language"], match["content"], match["note"] or ""


def commands(content: str) -> list[list[str]]:
    """The chokepoint commands of a shell block, as words, without comments."""
    joined = content.replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in joined.splitlines()]
    return [line[1:] for line in lines if line and Path(line[0]).name == "chokepoint"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_spelt_as_the_command_line_knows_them(page: Path) -> None:
    wrong = [" ".join(words) for language, content, _ in blocks(page) if language == "sh"
             for words in commands(content) if not is_known(words)]
    assert not wrong


def is_known(words: list[str]) -> bool:
    """Whether the command line has this verb, and the verb these options."""
    from experiments.cli import app

    command: click.Command | None = app
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command, words = command.get_command(click.Context(command), words[0]), words[1:]
    if command is None:
        return False
    known = {"--help", *(option for taken in command.params for option in (*taken.opts, *taken.secondary_opts))}
    return all(word.split("=")[0] in known for word in words if word.startswith("--"))


def follow(page: Path, folder: Path, call: Callable[..., Any]) -> int:
    """Do what a page says, in an empty folder: write its files, run its commands; how many were run.

    A YAML block that opens with `# NAME.yaml` is a file. Commands under `<!-- exits N -->` must end with code N; those
    under `<!-- not run -->` are left out.
    """
    ran = 0
    for language, content, note in blocks(page):
        if language == "yaml" and (named := re.match(r"# ([\w-]+\.yaml)", content)):
            (folder / named[1]).write_text(content)
        if language != "sh" or note == "not run":
            continue
        wanted = int(note.removeprefix("exits ")) if note.startswith("exits ") else 0
        for words in commands(content):
            told = call(*words, folder=folder)
            assert told.returncode == wanted, f"{words}\n{told.stdout}\n{told.stderr}"
            assert "Traceback" not in told.stderr, told.stderr
            ran += 1
    return ran


def test_the_tutorial_works_as_written(tmp_path: Path, chokepoint: Callable[..., Any]) -> None:
    assert follow(DOCS / "tutorial.md", tmp_path, chokepoint) >= 8


@pytest.mark.slow
def test_the_readme_works_as_written(tmp_path: Path, chokepoint: Callable[..., Any]) -> None:
    assert follow(ROOT / "README.md", tmp_path, chokepoint) >= 3
