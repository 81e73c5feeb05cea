"""The house from outside: what is committed names no machine, what is installed with us is free to use, every module
says what it is, and the command answers at once."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import time
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHOWN = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".json", ".html", ".css", ".js", ".vue", ".cff", ".csv", ""}
"""Suffixes of the files people read; the rest are pictures and tables."""

FOREIGN = re.compile(
    r"(?<![\w.:/])/(work|root|home|mnt|Users)/\w"                      # a folder of one machine
    r"|\bfile:///|(extra-)?index[-]url|find-links|trusted-host"          # where one machine finds its packages
    r"|https?://(10|127|192\.168|172\.(1[6-9]|2\d|3[01]))\.[\d.]+[:/]\S*simple"
    r"|\bpypi\.org/simple|\b[\w.+-]+@(gmail|outlook|hotmail|icloud)\.", re.IGNORECASE)

COPYLEFT = re.compile(r"(?<!L)(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
EXTRAS = ("viz", "dask", "analysis")

VERBS = ("attribute", "backtest", "bench", "calibrate", "cite", "compare", "diff", "discover", "ensemble", "explain",
         "extend", "forecast", "list", "new", "query", "report", "resume", "run", "schema", "screen", "search",
         "sensitivity", "status", "sweep", "validate", "verify", "viz")


@cache
def committed() -> tuple[Path, ...]:
    """Files under version control; every file of the project's folders where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
        paths = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for folder in ("sim", "scenarios", "experiments", "viz", "tests", "docs")
                 for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return tuple(path for path in paths if path.suffix in SHOWN and path.is_file())


def foreign_words(text: str) -> list[str]:
    return [match.group(0) for match in FOREIGN.finditer(text)]


def test_nothing_committed_names_a_machine() -> None:
    found = []
    for path in committed():
        if path.samefile(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            found.extend(f"{path.relative_to(ROOT)}:{number} {word}" for word in foreign_words(line))
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize(("line", "caught"), [
    ("open('" + "/".join(("", "root", "data.csv")) + "')", True), ("see /home/anna/notes", True),
    ("pip install --index" + "-url x", True),
    ("https://example.org/home/news", False), ("cd /tmp", False), ("../work/x", False),
])
def test_foreign_words_are_found(line: str, caught: bool) -> None:
    assert bool(foreign_words(line)) == caught


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def name_in(requirement: str) -> str:
    return normal(re.split(r"[\s<>=!~\[(;]", requirement.strip(), maxsplit=1)[0])


def required_by(name: str) -> set[str]:
    """Names that an installed distribution requires, without its extras."""
    return {name_in(line) for line in metadata.requires(name) or [] if "extra ==" not in line}


@cache
def installed_with_us() -> frozenset[str]:
    """Every distribution that comes with chokepoint and its extras, directly or not; the test tools are left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    seen: set[str] = set()
    todo = {name_in(line) for line in asked}
    while todo:
        name = todo.pop()
        try:
            below = required_by(name)
        except metadata.PackageNotFoundError:  # wanted on another platform or Python only
            continue
        seen.add(name)
        todo |= below - seen
    return frozenset(seen)


def licence(name: str) -> str:
    about = metadata.metadata(name)
    stated = [about.get("License-Expression") or "", (about.get("License") or "")[:200]]
    return " | ".join([*stated, *(line for line in about.get_all("Classifier", []) if line.startswith("License"))])


def test_no_copyleft_library_is_installed_with_us() -> None:
    names = installed_with_us()
    assert len(names) > 30, names
    copyleft = {name: licence(name) for name in sorted(names) if COPYLEFT.search(licence(name))}
    assert not copyleft, copyleft


def test_all_that_is_installed_with_us_is_pinned() -> None:
    pins = {normal(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().split()}
    assert not installed_with_us() - pins


def test_constraints_hold_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"[A-Za-z0-9][\w.-]*==[\w.]+", line)]
    assert not wrong, wrong
    names = [normal(line.split("==")[0]) for line in lines]
    assert len(set(names)) == len(names)


def test_solara_and_its_offline_assets_are_of_one_version() -> None:
    """Another version of the assets makes the page reach for the network."""
    assert metadata.version("solara") == metadata.version("solara-assets")


@pytest.mark.parametrize("folder", ["sim", "experiments", "viz", "scenarios", "tests"])
def test_every_module_says_what_it_is(folder: str) -> None:
    silent = [str(path.relative_to(ROOT)) for path in sorted((ROOT / folder).rglob("*.py"))
              if path.stat().st_size and ast.get_docstring(ast.parse(path.read_text())) is None]
    assert not silent, silent


def test_help_lists_every_verb() -> None:
    said = subprocess.run([sys.executable, "-m", "experiments.cli", "--help"], cwd=ROOT, check=True, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
    missing = [verb for verb in VERBS if not re.search(rf"^\W*{verb}\b", said, re.MULTILINE)]
    assert not missing, f"{missing} are not in\n{said}"


def test_every_verb_explains_itself() -> None:
    """In one process: importing each command must work too."""
    code = ("import sys; from click.testing import CliRunner; from experiments.cli import app\n"
            "for verb in sys.argv[1:]:\n"
            "    told = CliRunner().invoke(app, [verb, '--help'])\n"
            "    assert told.exit_code == 0 and 'Usage' in told.output, (verb, told.output, told.exception)\n"
            "heavy = {'mesa', 'numba', 'pandas', 'pyarrow', 'duckdb', 'altair', 'solara', 'dask'} & set(sys.modules)\n"
            "assert not heavy, heavy\n")
    subprocess.run([sys.executable, "-c", code, *VERBS], check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begun


def test_help_answers_at_once() -> None:
    """At most twelve times the start of Python itself, as the median of pairs taken side by side."""
    tool = Path(sys.executable).with_name("chokepoint")
    ask = [str(tool), "--help"] if tool.exists() else [sys.executable, "-m", "experiments.cli", "--help"]
    seconds(ask)
    pairs = [(seconds(ask), seconds([sys.executable, "-c", "pass"])) for _ in range(15)]
    assert statistics.median(help_time / bare_time for help_time, bare_time in pairs) <= 12, pairs


def test_sources_can_be_followed() -> None:
    """A value's source names a publication, a fact, or a file that is here; never a paper in somebody's drawer."""
    drawer = re.compile(r"(?<![/\w])[a-z_]+\.csv\b|model (notes|description)|source: \"?prototype", re.IGNORECASE)
    published = {"nvidia_owners_cumulative_totals.csv", "nvidia_owners_quarters_by_chip.csv"}
    """Names that Epoch AI publishes under."""
    found = [f"{path.relative_to(ROOT)}:{number} {match.group(0)}"
             for path in sorted((ROOT / "scenarios").rglob("*.yaml"))
             for number, line in enumerate(path.read_text().splitlines(), 1)
             for match in drawer.finditer(line) if match.group(0) not in published]
    assert not found, "\n".join(found)
