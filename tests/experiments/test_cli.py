"""The command line: what it costs to ask for help, how it refuses, and what it leaves when it is stopped."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import cli
from experiments.common import Bar, folder_for, name_of
from sim.errors import Fault, InvariantError, ScenarioError
from tests.conftest import Told

ROOT = Path(__file__).parents[2]
WORLD = "teaching/rush"


def call(*words: str, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments.cli", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        **settings,
    )  # type: ignore[call-overload,no-any-return]


def fastest(*command: str) -> float:
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=ROOT)
        took.append(time.perf_counter() - begun)
    return min(took)


def test_help_costs_little() -> None:
    assert fastest("-m", "experiments.cli", "--help") < 12 * fastest("-c", "pass")


def test_help_names_every_verb_and_imports_none() -> None:
    code = (
        "import sys; from experiments.cli import main; main(['--help']);"
        "heavy = [name for name in sys.modules if name.startswith(('experiments.commands.', 'sim', 'numpy', 'rich'))];"
        "assert not heavy, heavy"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert said.returncode == 0, said.stderr
    verbs = [path.stem.replace("_", "-") for path in (ROOT / "experiments" / "commands").glob("[a-z]*.py")]
    lines = [line.split() for line in said.stdout.splitlines()]
    for verb in verbs:
        assert any(words[:1] == [verb] and len(words) > 3 for words in lines), verb


@pytest.mark.parametrize("verb", sorted(cli.app.list_commands(None)))  # type: ignore[arg-type]
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], 'did you mean "run"'),
        (["run"], "Missing argument"),
        (["run", "history", "--seed", "x"], "--seed"),
        (["run", "history", "--recording", "everything"], "headline"),
        (["compare", "history"], "--all"),
        (["compare", "history", "no-controls", "--all"], "--all"),
        (["compare", "history", "history"], "itself"),
        (["report", "no/such/folder"], "manifest.json"),
        (["cite", "no/such/folder"], "manifest.json"),
    ],
)
def test_a_wrong_call_is_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    told = capsys.readouterr()
    assert said in told.err and "Traceback" not in told.err and not told.out


def test_an_unknown_scenario_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "histroy"]) in (2, 3)
    assert "history" in capsys.readouterr().err


def test_a_refused_scenario_waits_for_no_library(tmp_path: Path) -> None:
    code = ("import sys; from experiments import cli; print(cli.main(sys.argv[1:])); "
            "print([name for name in ('mesa', 'numba', 'pandas', 'scipy', 'vl_convert') if name in sys.modules])")
    words = ["run", "histroy", "--out", str(tmp_path / "out")]
    told = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, text=True, capture_output=True, timeout=120)
    assert told.stdout.split("\n")[:2] == ["2", "[]"], told.stderr


def test_a_faulty_scenario_is_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("schema: 1\ntitle: mine\nextends: teaching/rush\ntime: {start: 2030-01-0x}\n")
    assert cli.main(["run", str(file), "--out", str(tmp_path / "out")]) == 3
    assert "line 4" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (ScenarioError([Fault("a.yaml", 3, "rules", "no", "yes")]), 3, "line 3"),
        (InvariantError("tick 31: 2 chips too many"), 1, "tick 31"),
        (ZeroDivisionError("division by zero"), 1, "a defect of chokepoint"),
        (OSError(30, "Read-only file system", "results/lock"), 4, "results/lock: Read-only file system"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_no_error_is_a_traceback(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("experiments.single.run_and_write", fail)
    assert cli.main(["run", WORLD, "--out", str(tmp_path / "out")]) == code
    told = capsys.readouterr().err
    assert said in told and "Traceback" not in told


def test_a_run_leaves_a_whole_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = call("run", WORLD, "--seed", "3", "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    manifest = json.loads((out / "manifest.json").read_text())
    assert said["hash"] == manifest["hash"] and manifest["seeds"] == [3] and said["figures"]
    assert (out / "report.html").stat().st_size > 20_000
    again = call("report", str(out), "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["report"].endswith("report.html")
    assert f"chokepoint-run-{said['run_id']}" in call("cite", str(out)).stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_nothing_half_written(tmp_path: Path, workers: str) -> None:
    """In a terminal Ctrl-C reaches the workers too; they leave it to the command and end with it."""
    words = ["compare", "history", "no-controls", "--seeds", "500", "--workers", workers, "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.cli", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a script's background job ignores it
    )
    time.sleep(4.0)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    # Where the interrupt fell into an exec of text, CPython itself ends by SIGINT; a shell shows 130 for either.
    assert process.returncode in (130, -signal.SIGINT)
    assert "nothing was written" in told and "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_that_falls_into_a_finaliser_is_not_lost() -> None:
    code = (
        "import signal, sys, time, click\nfrom experiments import cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background job ignores it\n"
        "class Held:\n    def __del__(self): signal.raise_signal(signal.SIGINT)\n"
        "@click.command()\ndef hold():\n    held = Held()\n    del held\n    time.sleep(5)\n    print('went on')\n"
        "cli.app = hold\nsys.exit(cli.main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (130, "") and "interrupted" in done.stderr


def test_a_command_that_ends_leaves_nothing_on_the_screen(chokepoint: Callable[..., Told], tmp_path: Path) -> None:
    """Libraries that count what is left behind at the end have nothing to tell."""
    assert chokepoint("ensemble", "teaching/scarcity", "--seeds", "1", "--workers", "1", "--quiet", "--out", "out").returncode == 0
    assert chokepoint("query", "out", "select count(*) n from run_index").stderr == ""
    assert chokepoint("run", "teaching/scarcity", "--quiet").stderr == ""


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m experiments.cli --help | head -1", shell=True, capture_output=True, text=True, cwd=ROOT
    )
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 60.0, 61.0, 62.0, *[70.0] * 9])
    monkeypatch.setattr("experiments.common.time.monotonic", lambda: next(moments))
    monkeypatch.setattr(sys, "stderr", Screen())
    next(moments)
    bar = Bar("history")
    for week in (1, 2, 3):
        bar(week, 10)
    bar.close()
    said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "3/10 weeks,   7 s left" in said and said.endswith("\r\033[K")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    Bar("history")(1, 10)
    monkeypatch.setattr(sys, "stderr", Screen())
    Bar("history", quiet=True)(1, 10)
    assert not sys.stderr.getvalue()  # type: ignore[attr-defined]


def test_default_folders_tell_runs_apart() -> None:
    plain, changed = folder_for("history", (), "1"), folder_for("history", ("a.b=1",), "1")
    assert plain == Path("runs/history-1") and changed != plain
    assert folder_for("history", ("a.b=2",), "1") != changed
    assert name_of("scenarios/teaching/rush.yaml") == "rush" and name_of("teaching/rush") == "rush"
