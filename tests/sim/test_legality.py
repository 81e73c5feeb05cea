"""The record of rules answers as the data say: every legality cell of the shipped chips, and a part on either side of
every line that any rule draws."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import product

import pytest

from sim.catalog import Catalog, part
from sim.levers.base import Lever
from sim.ruling import Question, explain
from tests.sim.law import history

D2022, D2023, D2025 = "2022-10-21", "2023-11-16", "2025-04-30"
DATES = (D2022, D2023, D2025)

QUARRELS = {
    # MODEL section 3 lists these quarrels with the column; nothing is argued beyond them.
    ("L4", D2023): (
        "licence denied",
        "a data-centre part in 3A090.a by density (1936, 6.57); the exception covers none of a",
    ),
    ("L4", D2025): ("licence denied", "as in 2023"),
    ("RTX-4090", D2023): ("notify and wait", "a consumer part in 3A090.a: the exception asks 25 days' notice"),
    ("RTX-4090", D2025): ("notify and wait", "no later rule takes the exception away"),
    ("RTX-5090D", D2022): ("permitted", "the column says n/a: not on sale yet; no line of 2022 catches it"),
    ("RTX-5090D", D2025): (
        "licence denied",
        "the column says halted: caught only by the reported 1400 GB/s line (1792)",
    ),
    ("Gaudi-3-China", D2022): ("permitted", "the column says n/a: not on sale yet"),
    ("MI308", D2022): ("unknown", "specifications never published; only a named-part clause can answer"),
    ("MI308", D2023): ("unknown", "as in 2022"),
}

FOUNDRY_QUARRELS = {
    # `domestic` reads as sale inside China and the fab lane; these are made at TSMC: the list, not a line, stops them.
    "Ascend-910A": "listed since 2019; the foreign-direct-product rule of 2020",
    "Biren-BR100": "its input and output were cut below 600 in 2022; listed in October 2023",
    "Biren-BR104": "as BR100",
}

EXPECTED = {"yes": "permitted", "no": "licence denied", "licence needed": "licence denied", "domestic": "permitted"}


def cells() -> Iterator[tuple[str, str, str]]:
    for chip, row in history().world.chips.items():
        for day, said in row.legality.items():
            yield chip, day, said


def test_every_part_but_the_later_additions_has_its_three_cells() -> None:
    known = {chip: set(row.legality) for chip, row in history().world.chips.items()}
    assert {chip for chip, days in known.items() if not days} == {
        "V100",
        "T4",
        "low_end",
        "TPU-v4",
        "TPU-v5p",
        "Trainium-2",
    }
    assert all(days in (set(), set(DATES)) for days in known.values())
    assert len(list(cells())) >= 120


@pytest.mark.parametrize(("chip", "day", "said"), list(cells()))
def test_a_legality_cell_follows_from_the_rules(chip: str, day: str, said: str) -> None:
    ruling = explain(history(), Question("CN", date.fromisoformat(day), chip))
    expected = next((verdict for word, verdict in EXPECTED.items() if said.startswith(word)), None)
    if (chip, day) in QUARRELS:
        expected, reason = QUARRELS[chip, day]
        assert not (said in EXPECTED and EXPECTED[said] == expected), f"no quarrel any more: {reason}"
    assert expected is not None, f"nobody says how to read {said!r}"
    assert ruling.verdict == expected, ruling.rule
    if said == "domestic":
        home = history().world.chips[chip].fab_jurisdiction == "CN"
        assert home == (chip not in FOUNDRY_QUARRELS)
        assert ruling.foundry == "" if home else ruling.foundry in ("permitted", "licence denied")


@pytest.mark.parametrize(
    ("chip", "day", "verdict", "rule"),
    [
        ("Ascend-910A", D2022, "licence denied", "FDPR_HUAWEI_2020"),
        ("Biren-BR100", D2022, "permitted", ""),
        ("Biren-BR100", D2023, "licence denied", "RULE_2023_10"),
    ],
)
def test_the_foundry_lane_of_parts_made_abroad(chip: str, day: str, verdict: str, rule: str) -> None:
    ruling = explain(history(), Question("CN", date.fromisoformat(day), chip))
    assert (ruling.foundry, ruling.foundry_rule) == (verdict, rule)


PERMITTED, NOTIFY, CASE, DENIED = "permitted", "notify and wait", "licence case by case", "licence denied"


@pytest.mark.parametrize(
    ("day", "to", "specs", "verdict"),
    [
        # letter of August 2022: both lines of the A100
        ("2022-09-05", "CN", {"tpp": 4992, "io_gbps": 600}, DENIED),
        ("2022-09-05", "CN", {"tpp": 4991, "io_gbps": 600}, PERMITTED),
        ("2022-09-05", "RU", {"tpp": 4992, "io_gbps": 600}, DENIED),
        ("2022-09-05", "CN", {"tpp": 4992, "io_gbps": 599}, PERMITTED),
        ("2022-08-25", "CN", {"tpp": 4992, "io_gbps": 600}, PERMITTED),
        # rule of October 2022: both, and no clause on density or consumers
        ("2022-10-21", "CN", {"tpp": 4800, "io_gbps": 600}, DENIED),
        ("2022-10-21", "MO", {"tpp": 4800, "io_gbps": 600, "pd": 1}, DENIED),
        ("2022-10-21", "CN", {"tpp": 4799, "io_gbps": 600}, PERMITTED),
        ("2022-10-21", "CN", {"tpp": 4800, "io_gbps": 599}, PERMITTED),
        ("2022-10-20", "CN", {"tpp": 4800, "io_gbps": 600}, PERMITTED),
        # letter of 23 October 2023: data-centre parts by tpp alone
        ("2023-10-23", "CN", {"tpp": 4800, "io_gbps": 0, "pd": 1}, DENIED),
        ("2023-10-23", "CN", {"tpp": 4799, "io_gbps": 0, "pd": 9}, PERMITTED),
        ("2023-10-22", "CN", {"tpp": 4800, "io_gbps": 0, "pd": 9}, PERMITTED),
        # rule of October 2023, 3A090.a: either arm
        ("2023-11-16", "CN", {"tpp": 4800, "pd": 1, "io_gbps": 0}, DENIED),
        ("2023-11-16", "CN", {"tpp": 4799, "pd": 1, "io_gbps": 0}, PERMITTED),
        ("2023-11-16", "CN", {"tpp": 1600, "pd": 5.92, "io_gbps": 0}, DENIED),
        ("2023-11-16", "CN", {"tpp": 1599, "pd": 5.92, "io_gbps": 0}, PERMITTED),
        # 3A090.b: the grey zone, under notice
        ("2023-11-16", "CN", {"tpp": 1600, "pd": 5.91, "io_gbps": 0}, NOTIFY),
        ("2023-11-16", "CN", {"tpp": 1600, "pd": 3.2, "io_gbps": 0}, NOTIFY),
        ("2023-11-16", "CN", {"tpp": 1600, "pd": 3.19, "io_gbps": 0}, PERMITTED),
        ("2023-11-16", "CN", {"tpp": 1599, "pd": 3.2, "io_gbps": 0}, PERMITTED),
        ("2023-11-16", "CN", {"tpp": 2400, "pd": 1.6, "io_gbps": 0}, NOTIFY),
        ("2023-11-16", "CN", {"tpp": 2399, "pd": 1.6, "io_gbps": 0}, PERMITTED),
        ("2023-11-16", "CN", {"tpp": 2400, "pd": 1.59, "io_gbps": 0}, PERMITTED),
        ("2023-11-16", "CN", {"tpp": 4799, "pd": 1.6, "io_gbps": 0}, NOTIFY),
        ("2023-11-16", "CN", {"tpp": 4799, "pd": 5.92, "io_gbps": 0}, DENIED),
        # the Middle East: free before the letter, then case by case
        ("2023-09-04", "AE", {"tpp": 4992, "io_gbps": 600}, CASE),
        ("2023-09-04", "AE", {"tpp": 4991, "io_gbps": 600}, PERMITTED),
        ("2023-09-04", "AE", {"tpp": 4992, "io_gbps": 599}, PERMITTED),
        ("2023-12-04", "AE", {"tpp": 4800, "pd": 1, "io_gbps": 0}, CASE),
        ("2023-12-04", "AE", {"tpp": 4799, "pd": 5.91, "io_gbps": 0}, PERMITTED),
        ("2023-12-04", "IL", {"tpp": 4800, "pd": 9, "io_gbps": 0}, PERMITTED),
        ("2023-12-04", "SG", {"tpp": 4800, "pd": 9, "io_gbps": 0}, PERMITTED),
        # letter of April 2025
        ("2025-04-09", "CN", {"tpp": 1000, "pd": 1, "membw_gbps": 1400, "io_gbps": 0}, DENIED),
        ("2025-04-09", "CN", {"tpp": 1000, "pd": 1, "membw_gbps": 1399, "io_gbps": 1099}, PERMITTED),
        ("2025-04-09", "CN", {"tpp": 1000, "pd": 1, "membw_gbps": 0, "io_gbps": 1100}, DENIED),
        ("2025-04-08", "CN", {"tpp": 1000, "pd": 1, "membw_gbps": 1400, "io_gbps": 0}, PERMITTED),
        ("2025-08-08", "CN", {"tpp": 1000, "pd": 1, "membw_gbps": 1400, "io_gbps": 0}, CASE),
        # rule of January 2026
        ("2026-01-15", "CN", {"tpp": 20999, "pd": 20, "membw_gbps": 6499, "io_gbps": 900}, CASE),
        ("2026-01-15", "CN", {"tpp": 21000, "pd": 20, "membw_gbps": 6499, "io_gbps": 900}, DENIED),
        ("2026-01-15", "CN", {"tpp": 20999, "pd": 20, "membw_gbps": 6500, "io_gbps": 900}, DENIED),
        ("2026-01-15", "HK", {"tpp": 20999, "pd": 20, "membw_gbps": 6499, "io_gbps": 900}, DENIED),
        ("2026-01-14", "CN", {"tpp": 20999, "pd": 20, "membw_gbps": 6499, "io_gbps": 900}, DENIED),
    ],
)
def test_a_part_one_step_either_side_of_a_line(day: str, to: str, specs: dict[str, float], verdict: str) -> None:
    assert explain(history(), Question(to, date.fromisoformat(day), specs=specs)).verdict == verdict


@pytest.mark.parametrize(
    ("specs", "verdict"),
    [
        ({"tpp": 4799, "pd": 9, "io_gbps": 0}, PERMITTED),
        ({"tpp": 4800, "pd": 1, "io_gbps": 0}, NOTIFY),
    ],
)
def test_a_consumer_part_meets_only_the_tpp_line(specs: dict[str, float], verdict: str) -> None:
    asked = Question("CN", date(2023, 12, 4), specs=specs, market="consumer")
    assert explain(history(), asked).verdict == verdict


def drawn_lines() -> list[tuple[str, int, str, str, float]]:
    return [
        (name, number, *bound)
        for name, rule in history().rules.items()
        for number, effect in enumerate(rule.effects)
        for bound in dict.fromkeys(effect.chips.bounds(rule.since or rule.announced))
    ]


def test_the_record_draws_the_lines_it_is_known_for() -> None:
    drawn = {(spec, line) for _, _, spec, _, line in drawn_lines()}
    assert drawn == {
        ("tpp", 4992),
        ("tpp", 4800),
        ("tpp", 2400),
        ("tpp", 1600),
        ("tpp", 21000),
        ("pd", 5.92),
        ("pd", 1.6),
        ("pd", 3.2),
        ("io_gbps", 600),
        ("io_gbps", 1100),
        ("membw_gbps", 1400),
        ("membw_gbps", 6500),
        ("die_area_mm2", 330),
    }


@pytest.mark.parametrize(("name", "number", "spec", "end", "line"), drawn_lines())
def test_every_line_of_every_rule_is_there(name: str, number: int, spec: str, end: str, line: float) -> None:
    """Some part crosses in or out of the effect's scope exactly at the line, all else equal."""
    rule = history().rules[name]
    effect = rule.effects[number]
    day = rule.since or rule.announced
    step = 0.01 if spec == "pd" else 1.0
    for base in _bases(effect, spec):
        catalog = Catalog(
            {
                str(value): part({**base, spec: value}, market=market)
                for market in ("datacentre",)
                for value in (line - step, line)
            }
        )
        under, on = effect.chips.match(catalog, day).yes
        if under != on:
            return
    consumers = Catalog(
        {str(value): part({"tpp": value, "pd": 9, "io_gbps": 0}, market="consumer") for value in (line - step, line)}
    )
    under, on = effect.chips.match(consumers, day).yes
    assert under != on, f"no part tells on which side of {spec} {end} {line:g} it stands"


def _bases(effect: Lever, spec: str) -> Iterator[dict[str, float]]:
    """Parts at, under and far from the other lines of an effect."""
    values: dict[str, list[float]] = {
        "tpp": [1000],
        "pd": [1],
        "io_gbps": [0],
        "membw_gbps": [0],
        "memory_gb": [0],
        "die_area_mm2": [500],
    }
    for other, _, line in effect.chips.bounds(date(2025, 1, 1)):
        values[other] += [line, line - 0.01]
    others = [name for name in values if name != spec]
    for choice in product(*(sorted(set(values[name])) for name in others)):
        yield dict(zip(others, choice, strict=True))
