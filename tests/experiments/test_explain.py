"""`chokepoint explain` tells the ruling to people and to programs, and refuses in words."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from experiments.cli import main
from experiments.commands.explain import command

H20 = ("--chip", "H20", "--to", "CN", "--on", "2025-04-15")


def test_the_answer_in_words() -> None:
    told = CliRunner().invoke(
        command, [*H20, "--from", "US", "--buyer", "bytedance", "--fab", "TW"], catch_exceptions=False
    )
    assert told.exit_code == 0
    for words in (
        "May US ship H20 to bytedance in CN on 2025-04-15?",
        "Licence denied",
        "under LETTER_H20_2025",
        "source: https://",
        "what would flip it",
        "membw_gbps below 1400",
        "from 2025-08-08",
    ):
        assert words in told.output
    anybody = CliRunner().invoke(command, H20, catch_exceptions=False).output
    assert max(len(line) for line in anybody.splitlines() if line.startswith("    destination")) < 120


def test_the_answer_as_data() -> None:
    told = json.loads(CliRunner().invoke(command, [*H20, "--json"], catch_exceptions=False).output)
    assert (told["verdict"], told["rule"], told["delay_days"]) == ("licence denied", "LETTER_H20_2025", 77)
    assert {flip["kind"] for flip in told["flips"]} >= {"specification", "destination", "date"}


def test_a_part_that_does_not_exist() -> None:
    asked = ["--spec", "tpp=4800", "--spec", "pd=9", "--spec", "market=consumer", "--to", "CN", "--on", "2024-01-01"]
    assert "Notify and wait: 25 days" in CliRunner().invoke(command, asked, catch_exceptions=False).output


def test_another_scenario_and_settings() -> None:
    told = CliRunner().invoke(
        command,
        ["--chip", "H100", "--to", "CN", "--on", "2024-01-01", "--scenario", "no-controls"],
        catch_exceptions=False,
    )
    assert "Permitted" in told.output
    lower = [
        *H20[:4],
        "--on",
        "2024-01-01",
        "--set",
        "rules.RULE_2023_10.effects.0.chips.any.0.tpp_at_least=2000",
        "--json",
    ]
    assert json.loads(CliRunner().invoke(command, lower, catch_exceptions=False).output)["verdict"] == "licence denied"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--chip", "H20x", "--to", "CN", "--on", "2025-04-15"), 2),
        (("--chip", "H20", "--to", "CN"), 2),
        (("--chip", "H20", "--to", "CN", "--on", "soon"), 2),
        (("--spec", "tpp", "--to", "CN", "--on", "2025-04-15"), 2),
        (("--spec", "tpp=nan", "--to", "CN", "--on", "2025-04-15"), 2),
        ((*H20, "--scenario", "nowhere"), 2),
    ],
)
def test_a_question_nobody_can_answer(words: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *words]) == code
    assert "Traceback" not in "".join(capsys.readouterr())
