"""Rules fold in any order, bind from their day, expire without a trace, and are known when they are announced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.catalog import Catalog
from sim.errors import ScenarioError, UsageError
from sim.levers.base import Rule
from sim.rulebook import NEVER, Rulebook
from sim.scope import LegalClass
from sim.terms import Terms
from tests.sim.law import CHIPS, CLASSES, CLOCK, SALE, book_of, cell, history, rule, to_china, without

DENIAL = to_china("licence", policy="denial")


def same(one: Terms, other: Terms) -> bool:
    """Every column and table equal, to the bit."""
    pairs = ((one.__dict__[name], other.__dict__[name]) for name in one.__dict__)
    return all(a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else repr(a) == repr(b) for a, b in pairs)


# --- order, overlap, expiry ------------------------------------------------------------------------------------------

SCOPES = st.sampled_from(
    [
        {},
        {"tpp_at_least": 4800},
        {"tpp_at_least": 1600, "pd_at_least": 5.92},
        {"named": ["big", "home"]},
        {"none": [{"io_gbps_at_least": 600}]},
        {"market": ["consumer"]},
    ]
)
WHERE = st.sampled_from(
    [
        [],
        [{"destination": ["CN"]}],
        [{"destination": ["D5"]}, {"buyer_hq": ["D5"]}],
        [{"activity": ["rental", "transfer"]}],
        [{"listed": True}],
    ]
)
EFFECTS: list[Mapping[str, Any]] = [
    {"lever": "licence", "policy": "denial"},
    {"lever": "licence", "policy": "case_by_case", "grant": 0.3, "delay": 5},
    {"lever": "licence", "policy": "notify", "delay": 3},
    {"lever": "licence", "policy": "ban", "savings": True},
    {"lever": "tariff", "rate": 0.1},
    {"lever": "tariff", "rate": 0.7},
    {"lever": "revenue_share", "rate": 0.15},
    {"lever": "purchase_guidance", "factor": 0.5},
    {"lever": "entity_list"},
    {"lever": "cloud_access", "kyc_detection": 0.4},
    {"lever": "enforcement", "staff": 1.3},
    {"lever": "subsidy", "rate": 0.1},
    {"lever": "quota", "chips_cap": 7},
    {"lever": "exemption", "of": ["R0", "R1/x"]},
    {"lever": "licence_policy", "of": ["R0", "R2"], "grant": 0.9, "clause": "x"},
    {"lever": "retroactive", "reachable": ["MY"], "notice": 3},
    {"lever": "location_verification"},
]
DAYS = st.sampled_from(["2022-02-01", "2022-02-03", "2022-05-04", "2022-08-26"])


@st.composite
def some_rules(draw: st.DrawFn) -> dict[str, Rule]:
    """Up to six rules of up to three effects, some repealing an earlier one."""
    made = {}
    for number in range(draw(st.integers(1, 6))):
        effects = [
            {**draw(st.sampled_from(EFFECTS)), "chips": draw(SCOPES), "where": draw(WHERE)}
            for _ in range(draw(st.integers(1, 3)))
        ]
        if number and draw(st.booleans()):
            effects.append({"lever": "repeal", "rules": [f"R{draw(st.integers(0, number - 1))}"]})
        until = draw(st.sampled_from([None, "2022-11-02"]))
        made[f"R{number}"] = rule(*effects, since=draw(DAYS), until=until, by=draw(st.sampled_from(["US", "CN"])))
    return made


@settings(max_examples=60)
@given(some_rules(), st.randoms(use_true_random=False))
def test_the_order_of_rules_never_matters(rules: dict[str, Rule], dice: Any) -> None:
    names = list(rules)
    dice.shuffle(names)
    one, other = book_of(rules), book_of({name: rules[name] for name in names})
    for tick in (0, 4, 17, 33, 34, 43, 80):
        assert same(one.terms(tick), other.terms(tick))


@settings(max_examples=40)
@given(some_rules())
def test_a_rule_that_ended_leaves_nothing_behind(rules: dict[str, Rule]) -> None:
    lasting = {name: kept for name, kept in rules.items() if not kept.until}
    one, other = book_of(rules).terms(80), book_of(lasting).terms(80)
    assert one.permitted.tobytes() == other.permitted.tobytes()
    assert one.tariff_rate.tobytes() == other.tariff_rate.tobytes()
    assert one.grant_rate.tobytes() == other.grant_rate.tobytes()


@settings(max_examples=40)
@given(some_rules())
def test_a_rule_that_matches_nothing_changes_nothing(rules: dict[str, Rule]) -> None:
    idle = rule({"lever": "licence", "policy": "ban", "chips": {"tpp_at_least": 10**9}}, since="2022-02-03")
    one, other = book_of(rules), book_of({**rules, "A_IDLE": idle})
    for tick in (4, 40):
        for name in ("permitted", "grant_rate", "tariff_rate", "delay_ticks", "open_days"):
            assert getattr(one.terms(tick), name).tobytes() == getattr(other.terms(tick), name).tobytes()


@settings(max_examples=40)
@given(some_rules())
def test_a_ban_on_top_never_opens_a_cell(rules: dict[str, Rule]) -> None:
    ban = rule({"lever": "licence", "policy": "ban", "chips": {"tpp_at_least": 4800}}, since="2022-02-03")
    for tick in (4, 40):
        assert not (book_of({**rules, "Z": ban}).terms(tick).permitted & ~book_of(rules).terms(tick).permitted).any()


def test_the_shipped_record_folds_the_same_backwards() -> None:
    scenario = history()
    backwards = scenario.model_copy(update={"rules": dict(reversed(list(scenario.rules.items())))})
    one, other = Rulebook.for_scenario(scenario), Rulebook.for_scenario(backwards)
    deals = [LegalClass("sale", "US", to, hq) for to in ("CN", "AE", "SG") for hq in ("CN", "US")]
    one.register(deals)
    other.register(deals)
    for tick in range(0, scenario.clock.n_ticks, 13):
        assert same(one.terms(tick), other.terms(tick))


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_rule_binds_from_its_day() -> None:
    """Friday 2022-08-26: the week before is open, its own from Monday to Thursday, the next not at all."""
    book = book_of({"R": rule(DENIAL, since="2022-08-26")})
    it = cell(book, SALE, "big")
    assert [int(book.terms(tick).open_days[it]) for tick in (32, 33, 34)] == [127, 0b0001111, 0]
    assert [bool(book.terms(tick).permitted[it]) for tick in (32, 33, 34)] == [True, True, False]


def test_a_rule_that_ends_midweek_opens_from_its_day() -> None:
    book = book_of({"R": rule(DENIAL, since="2022-06-06", until="2022-08-26")})
    it = cell(book, SALE, "big")
    assert [int(book.terms(tick).open_days[it]) for tick in (32, 33, 34)] == [0, 0b1110000, 127]


def test_open_days_of_two_rules_are_those_of_both() -> None:
    book = book_of({"A": rule(DENIAL, since="2022-06-06", until="2022-08-23"), "B": rule(DENIAL, since="2022-08-25")})
    assert book.terms(33).open_days[cell(book, SALE, "big")] == 0b0000110


def test_terms_are_one_object_while_nothing_changes() -> None:
    book = book_of({"R": rule(DENIAL, since="2022-08-26")})
    assert book.terms(3) is book.terms(20) and book.terms(34) is book.terms(90)
    assert book.terms(3) is not book.terms(34) and book.terms(-5) is book.terms(0) and book.terms(999) is book.terms(90)


def test_a_dated_line_steps() -> None:
    steps = to_china("threshold", policy="denial", chips={"tpp_at_least": {"2022-06-06": 10000, "2022-08-26": 5000}})
    book = book_of({"R": rule(steps)})
    game = cell(book, SALE, "game")
    assert [int(book.terms(tick).open_days[game]) for tick in (32, 33, 34)] == [127, 0b0001111, 0]


def test_a_decree_binds_from_the_next_week() -> None:
    book = book_of({})
    it = cell(book, SALE, "big")
    book.sign("D", rule(DENIAL, since="2022-01-03", kind="decree"), 10)
    assert book.terms(10).permitted[it] and not book.terms(11).permitted[it]
    assert book.rule_ids[book.terms(11).rule[it]] == "D"
    book.sign("D", rule(to_china("tariff", rate=0.25), since="2022-01-03"), 20)
    assert book.terms(21).permitted[it] and book.terms(21).tariff_rate[it] == 0.25
    with pytest.raises(UsageError, match="no first day"):
        book.sign(
            "E",
            Rule.model_validate(
                {"by": "US", "kind": "bill", "announced": "2022-01-03", "inert": True, "reason": "a bill"}
            ),
            20,
        )


def test_repeals_that_go_round_are_refused() -> None:
    rules = {
        "A": rule({"lever": "repeal", "rules": ["B"]}),
        "B": rule({"lever": "repeal", "rules": ["C"]}),
        "C": rule({"lever": "repeal", "rules": ["A"]}),
    }
    with pytest.raises(ScenarioError, match="in the end repeals it"):
        book_of(rules)


def test_an_inert_rule_binds_nobody_until_it_is_enacted() -> None:
    bill = rule(DENIAL, inert=True, reason="a bill")
    assert book_of({"BILL": bill}).terms(60).permitted.all()
    assert not book_of({"BILL": bill.model_copy(update={"inert": False})}).terms(60).permitted.all()


def test_a_new_part_is_judged_at_once() -> None:
    book = book_of({"R": rule(to_china("threshold", policy="denial", chips={"io_gbps_at_least": 600}))})
    book.add_chips(Catalog({**CHIPS, "next": CHIPS["big"]}))
    assert book.terms(60).permitted.shape == (len(CLASSES), len(CHIPS) + 1)
    assert not book.terms(60).permitted[cell(book, SALE, "big")[0], len(CHIPS)]


# --- what is known ---------------------------------------------------------------------------------------------------


def test_what_an_announced_rule_will_close_is_known_from_the_next_monday() -> None:
    book = book_of({"R": rule(DENIAL, since="2022-09-05", announced="2022-08-04")})
    it = cell(book, SALE, "big")
    assert [bool(book.closing(tick)[it]) for tick in (29, 30, 31, 34, 35, 36)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert not book.closing(31)[cell(book, SALE._replace(destination="MY", buyer_hq="MY"), "big")]


def test_a_closure_in_secret_or_far_ahead_is_not_expected() -> None:
    secret = book_of({"R": rule(DENIAL, since="2022-09-05", announced="2022-08-01", public="2022-09-09")})
    far = book_of({"R": rule(DENIAL, since="2023-09-04", announced="2022-08-01")})
    assert not secret.closing(34).any()
    assert not far.closing(31).any() and far.closing(36)[cell(far, SALE, "big")]


def test_a_cell_closed_already_is_not_closing() -> None:
    book = book_of({"A": rule(DENIAL), "R": rule(DENIAL, since="2022-09-05", announced="2022-08-01")})
    assert not book.closing(31).any()


def test_a_repeal_that_is_known_saves_a_cell() -> None:
    book = book_of(
        {
            "R": rule(DENIAL, since="2022-09-05", announced="2022-08-01"),
            "STAY": rule({"lever": "repeal", "rules": ["R"]}, since="2022-09-01", announced="2022-08-16"),
        }
    )
    it = cell(book, SALE, "big")
    assert book.closing(32)[it] and not book.closing(33)[it]


def test_a_leak_is_heard_until_the_rule_is_public() -> None:
    leaks = [
        {"reported": "2022-08-04", "signal": "tighten", "certainty": 0.6},
        {"reported": "2022-08-18", "signal": "all_clear", "certainty": 0.3, "audience": "buyers"},
    ]
    book = book_of({"R": rule(DENIAL, since="2022-09-05", announced="2022-08-31", leaks=leaks)})
    heard = {
        tick: [(item.rule, item.certainty, item.signal, item.audience) for item in book.heard(tick)]
        for tick in (30, 31, 33, 34, 35)
    }
    first, second = ("R", 0.6, "tighten", "public"), ("R", 0.3, "all_clear", "buyers")
    assert heard == {30: [], 31: [first], 33: [first, second], 34: [first, second], 35: []}
    (item,) = book.heard(31)
    assert item.cells[cell(book, SALE, "big")] and item.cells.sum(dtype=np.int64) == book.touched("R").sum(
        dtype=np.int64
    )
    assert not item.cells[cell(book, SALE._replace(destination="MY"), "big")]


def test_a_report_of_monday_is_heard_a_week_later_and_a_rule_of_monday_is_still_a_rumour() -> None:
    leak = {"reported": "2022-08-08", "signal": "tighten", "certainty": 0.6}
    book = book_of({"R": rule(DENIAL, since="2022-09-05", announced="2022-08-22", leaks=[leak])})
    assert [bool(book.heard(tick)) for tick in (31, 32, 33, 34)] == [False, True, True, False]


def test_closures_count_from_the_last_one() -> None:
    book = book_of(
        {
            "A": rule(to_china("threshold", policy="denial", chips={"io_gbps_at_least": 600}), since="2022-03-10"),
            "B": rule(DENIAL, since="2022-08-26", until="2022-10-03"),
            "C": rule(DENIAL, since="2023-01-02"),
        }
    )
    china, malaysia = book.atlas.codes.index("CN"), book.atlas.codes.index("MY")
    big, cut, home = (book.catalog.row(chip) for chip in ("big", "cut", "home"))
    assert (book.closures(8) == NEVER).all()
    assert [int(book.closures(tick)[big, china]) for tick in (9, 33, 52)] == [9, 9, 9]
    assert [int(book.closures(tick)[cut, china]) for tick in (9, 33, 51, 52)] == [NEVER, 33, 33, 52]
    assert (book.closures(90)[:, malaysia] == NEVER).all() and book.closures(90)[home, china] == NEVER


# --- the record ------------------------------------------------------------------------------------------------------


def record(*deals: LegalClass, left_out: tuple[str, ...] = ()) -> Rulebook:
    book = Rulebook.for_scenario(without(*left_out))
    book.register(deals or [SALE])
    return book


def tick_of(text: str) -> int:
    return history().clock.tick_of(date.fromisoformat(text))


def test_the_record_holds_its_fifty_six_acts() -> None:
    rules = history().rules
    assert len(rules) == 56
    inert = {name for name, kept in rules.items() if kept.inert}
    assert inert == {
        "FIRM_A800_2022",
        "FIRM_H800_2023",
        "FIRM_H20_2023",
        "RULE_2024_04",
        "SG_390M",
        "BILL_CHIPSEC_S1705",
        "H200_ANNOUNCE",
        "NDAA_FY26",
        "BILL_REMOTE_ACCESS",
        "BILL_OVERWATCH",
        "BILL_MATCH",
        "GUIDANCE_SUBSIDIARY",
        "CN_295BN_GRID",
        "AFFILIATES_SUNSET",
    }
    assert all(kept.reason for kept in rules.values() if kept.inert)
    assert all(kept.clause and kept.source for kept in rules.values())
    assert all(kept.effects for name, kept in rules.items() if not kept.inert)


def test_every_act_binds_some_cell_or_table() -> None:
    """With any rule in force taken away, something on some day is another."""
    scenario = history()
    deals = [
        LegalClass(activity, origin, to, hq, listed, use, place)
        for activity, origin, to, hq, listed, use, place in (
            ("sale", "US", "CN", "CN", 0, "civil", "US"),
            ("sale", "US", "CN", "CN", 1, "civil", "US"),
            ("sale", "US", "CN", "CN", 0, "state", "US"),
            ("sale", "US", "CN", "US", 0, "civil", "US"),
            ("sale", "US", "HK", "US", 0, "civil", "US"),
            ("sale", "US", "AE", "AE", 0, "civil", "US"),
            ("reexport", "MY", "AE", "AE", 0, "civil", "MY"),
            ("fab", "TW", "CN", "CN", 0, "civil", "TW"),
            ("fab", "KR", "CN", "CN", 0, "civil", "KR"),
            ("fab", "KR", "CN", "CN", 1, "civil", "KR"),
            ("hbm", "KR", "CN", "CN", 0, "civil", "KR"),
            ("tools", "US", "CN", "CN", 0, "civil", "US"),
            ("tools", "US", "CN", "CN", 1, "civil", "US"),
            ("tools", "NL", "CN", "CN", 0, "civil", "NL"),
            ("input", "CN", "US", "US", 0, "civil", "CN"),
        )
    ]
    whole = Rulebook.for_scenario(scenario)
    whole.register(deals)
    weeks = sorted({scenario.clock.tick_of(day) for day in whole.turns()} & set(range(scenario.clock.n_ticks)) | {0})
    idle = []
    for name in whole.rule_ids:
        book = Rulebook.for_scenario(without(name))
        book.register(deals)
        if all(_alike(whole, book, tick) for tick in weeks):
            idle.append(name)
    assert idle == ["RULE_DIFFUSION"]  # rescinded two days before it bound


def _alike(one: Rulebook, other: Rulebook, tick: int) -> bool:
    """Same law by name of the rule, not by its row."""
    a, b = one.terms(tick), other.terms(tick)
    if one.listing(tick) != other.listing(tick):
        return False
    names = [(np.array([*one.rule_ids, ""])[a.rule]), np.array([*other.rule_ids, ""])[b.rule]]
    return (
        np.array_equal(*names)
        and all(
            a.__dict__[name].tobytes() == b.__dict__[name].tobytes()
            if isinstance(a.__dict__[name], np.ndarray)
            else name in ("quota", "cloud") or a.__dict__[name] == b.__dict__[name]
            for name in a.__dict__
            if name != "rule"
        )
        and len(a.quota) == len(b.quota)
    )


def test_the_letter_of_august_2022_left_four_days_of_its_week() -> None:
    book = record()
    it = cell(book, SALE, "A100")
    assert book.terms(tick_of("2022-08-26")).open_days[it] == 0b0001111
    assert book.terms(tick_of("2022-08-29")).open_days[it] == 0


def test_thirty_days_of_grace_became_six() -> None:
    book = record()
    it = cell(book, SALE, "A800")
    assert book.closing(tick_of("2023-10-23") - 1)[it] == np.False_
    assert book.terms(tick_of("2023-10-16")).open_days[it] == 127
    assert book.terms(tick_of("2023-10-23")).open_days[it] == 0
    assert record(left_out=("LETTER_2023_10_EARLY",)).closing(tick_of("2023-10-23"))[it]


def test_the_carve_out_served_foreign_firms_and_the_hong_kong_hub() -> None:
    american = SALE._replace(buyer_hq="US")
    hub = SALE._replace(destination="HK", buyer_hq="US")
    book = record(american, hub, SALE._replace(destination="HK", buyer_hq="HK"))
    winter, summer, autumn = (book.on(date.fromisoformat(day)) for day in ("2022-12-01", "2023-06-01", "2023-09-02"))
    assert winter.permitted[cell(book, american, "A100")] and not summer.permitted[cell(book, american, "A100")]
    assert summer.permitted[cell(book, hub, "H100")] and not autumn.permitted[cell(book, hub, "H100")]
    assert not winter.permitted[cell(book, SALE._replace(destination="HK", buyer_hq="HK"), "A100")]


def test_headquarters_follow_a_buyer_abroad() -> None:
    abroad = LegalClass("transfer", "MY", "MY", "CN")
    book = record(abroad, abroad._replace(buyer_hq="MY"))
    before, then = book.on(date(2023, 10, 22)), book.on(date(2023, 12, 4))
    assert before.permitted[cell(book, abroad, "H100")] and not then.permitted[cell(book, abroad, "H100")]
    assert then.permitted[cell(book, abroad._replace(buyer_hq="MY"), "H100")]


def test_the_diffusion_rule_was_withdrawn_before_it_bound() -> None:
    india = SALE._replace(destination="IN", buyer_hq="IN")
    on = date(2025, 6, 2)
    assert record(india).on(on).permitted.all()
    kept = record(india, left_out=("RESCIND_DIFFUSION",))
    terms = kept.on(on)
    assert terms.licence[cell(kept, india, "H100")] and not terms.licence[cell(kept, india, "L20")]
    (quota,) = [quota for quota in terms.quota if kept.rule_ids[quota.rule] == "RULE_DIFFUSION"]
    assert (quota.unit, quota.cap, quota.per) == ("tpp", 790e6, "country")


def test_the_affiliates_rule_rests_for_a_year() -> None:
    book = record()
    days = ("2025-09-22", "2025-09-29", "2025-11-10", "2026-11-02", "2026-11-09")
    assert ["inspur_us" in book.listing(tick_of(day)).parties for day in days] == [False, True, False, False, True]


def test_listings_agree_with_the_actors() -> None:
    book = record()
    for name, row in history().world.actors.items():
        if row.listed_since and row.listed_since >= history().clock.start:
            day = row.listed_since
            assert name in book.listing_on(day).parties, name
            assert name not in book.listing_on(date.fromordinal(day.toordinal() - 1)).parties, name
        elif row.listed_since:
            assert name in book.listing(0).parties, name


def test_leaving_a_listing_out_unlists() -> None:
    assert "inspur" not in record(left_out=("EL_INSPUR_2023",)).listing(tick_of("2024-01-01")).parties


def test_a_rule_taken_away_lets_its_forerunner_stand() -> None:
    book = record(left_out=("RULE_2023_10", "LETTER_2023_10_EARLY", "NAC_2023"))
    terms = book.on(date(2024, 1, 1))
    assert not terms.permitted[cell(book, SALE, "H100")] and terms.permitted[cell(book, SALE, "H800")]


def test_in_2026_half_of_home_sales_may_go_at_a_duty() -> None:
    book = record(SALE, SALE._replace(origin="TW"), SALE._replace(destination="MO", buyer_hq="MO"))
    terms = book.on(date(2026, 1, 20))
    macau = cell(book, SALE._replace(destination="MO", buyer_hq="MO"), "H200")
    assert (terms.licence[macau], terms.grant_rate[macau], terms.tariff_rate[macau]) == (True, 0.7, 0.25)
    blocked = cell(book, SALE, "H200")
    assert not terms.licence[blocked] and book.rule_ids[terms.rule[blocked]] == "CN_H200_CUSTOMS_BLOCK"
    assert terms.grant_rate[cell(book, SALE, "H100")] == 0.7
    for chip in ("A800", "H800", "B200", "B30A"):
        assert terms.grant_rate[cell(book, SALE, chip)] == 0
    assert terms.grant_rate[cell(book, SALE._replace(origin="TW"), "H100")] == 0
    shares = [quota for quota in terms.quota if quota.unit == "home_share"]
    assert [quota.cap for quota in shares] == [0.5] and shares[0].cells[macau]


def test_china_turns_its_own_buyers_away() -> None:
    state = SALE._replace(end_use="state")
    book = record(SALE, state)
    guidance, customs, mandate = (
        book.on(date.fromisoformat(day)) for day in ("2025-08-12", "2025-10-10", "2025-11-05")
    )
    h20 = cell(book, SALE, "H20")
    assert [float(terms.demand_factor[h20]) for terms in (guidance, customs)] == [0.5, 0.1]
    assert guidance.grey_tolerated["CN"] and not customs.grey_tolerated["CN"]
    assert mandate.domestic_mandate["state"] == 1 and not mandate.licence[cell(book, state, "L20")]
    assert mandate.permitted[cell(book, SALE, "L20")]
    assert guidance.share_rate[h20] == 0.15 and guidance.share_rate[cell(book, SALE, "L20")] == 0


def test_leaks_of_the_record_are_heard_in_their_weeks() -> None:
    book = record()
    heard = {item.rule: item for item in book.heard(tick_of("2023-08-07"))}
    assert heard["RULE_2023_10"].certainty == 0.6 and heard["RULE_2023_10"].cells[cell(book, SALE, "A800")]
    assert not heard["RULE_2023_10"].cells[cell(book, SALE, "L2")]
    assert "RULE_2023_10" not in {item.rule for item in book.heard(tick_of("2023-10-23"))}
    spring = [
        (item.certainty, item.signal) for item in book.heard(tick_of("2025-04-14")) if item.rule == "LETTER_H20_2025"
    ]
    assert spring == [(0.4, "tighten"), (0.3, "all_clear")]


def test_closures_of_the_record() -> None:
    book = record()
    closures, china = book.closures(tick_of("2025-12-01")), book.atlas.codes.index("CN")
    days = {
        chip: history().clock.date_of(closures[book.catalog.row(chip), china]) for chip in ("A100", "H800", "L4", "H20")
    }
    assert {chip: str(day) for chip, day in days.items()} == {
        "A100": "2022-08-22",
        "H800": "2023-10-23",
        "L4": "2023-11-13",
        "H20": "2025-04-07",
    }
    assert closures[book.catalog.row("L20"), china] == NEVER
    assert (closures[:, book.atlas.codes.index("JP")] == NEVER).all()


def test_a_rulebook_asks_little_of_actors() -> None:
    row = SimpleNamespace(kind="lab", seat="CN", parent=None, listed_since=date(2019, 1, 1))
    late = SimpleNamespace(kind="lab", seat="CN", parent=None, listed_since=CLOCK.date_of(30))
    assert book_of({}, {"old": row, "new": late}).listing(60).parties == {"old": "listed_since"}


def test_runs_of_one_scenario_share_the_law_until_one_signs() -> None:
    scenario = history()
    one, other = Rulebook.for_scenario(scenario), Rulebook.for_scenario(scenario)
    deal = [LegalClass("sale", "US", "CN", "CN")]
    assert one.register(deal).tolist() == other.register(deal).tolist()
    assert one.terms(30) is other.terms(30)
    name = one.rule_ids[0]
    before = other.terms(200)
    one.sign("decree", one.rules[name].model_copy(update={"since": one.clock.date_of(100)}), 100)
    assert "decree" in one.rule_ids and "decree" not in other.rule_ids and "decree" not in other.rules
    assert other.terms(200) is before and one.terms(200) is not before
    assert "decree" not in Rulebook.for_scenario(scenario).rules
