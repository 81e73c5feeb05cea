"""Each lever does what its file says, to the cells in its scope and to no other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.levers.base import Rule, discover_levers, levers, references
from sim.scope import LegalClass
from sim.terms import Terms
from tests.sim.law import SALE, book_of, cell, rule, to_china

RENTAL = LegalClass("rental", "MY", "MY", "CN")
FAB = LegalClass("fab", "MY", "CN", "CN")
TOOLS = LegalClass("tools", "US", "CN", "CN")
ACTORS = {
    "sun": SimpleNamespace(kind="lab", seat="CN", parent=None, listed_since=None),
    "moon": SimpleNamespace(kind="lab", seat="MY", parent="sun", listed_since=None),
    "star": SimpleNamespace(kind="lab", seat="MY", parent="moon", listed_since=None),
    "dust": SimpleNamespace(kind="lab", seat="MY", parent="rock", listed_since=None),
    "rock": SimpleNamespace(kind="lab", seat="MY", parent=None, listed_since=None),
    "mine": SimpleNamespace(kind="supplier", seat="NL", parent=None, listed_since=None),
    "kiln": SimpleNamespace(kind="supplier", seat="CN", parent=None, listed_since=None),
}


def after(*effects: dict[str, Any], deal: LegalClass = SALE, chip: str = "big", **words: Any) -> SimpleNamespace:
    """Every column in one cell, and the terms, once a rule of these effects is in force."""
    book = book_of({"R": rule(*effects, **words)}, ACTORS)
    terms = book.terms(60)
    row, column = cell(book, deal, chip)
    values = {name: value[row, column] for name, value in terms.__dict__.items() if isinstance(value, np.ndarray)}
    return SimpleNamespace(**values, terms=terms, book=book)


def test_the_folder_holds_every_lever_of_the_model() -> None:
    discover_levers()
    assert set(levers.names) == {
        "threshold",
        "named_part",
        "entity_list",
        "licence",
        "licence_policy",
        "quota",
        "revenue_share",
        "tariff",
        "tool_control",
        "hbm_control",
        "foundry_control",
        "enforcement",
        "location_verification",
        "cloud_access",
        "subsidy",
        "procurement_mandate",
        "purchase_guidance",
        "import_ban",
        "customs_inspection",
        "counter_control",
        "allied_alignment",
        "retroactive",
        "repeal",
        "exemption",
    }


def test_threshold() -> None:
    line = to_china("threshold", chips={"tpp_at_least": 16000, "io_gbps_at_least": 600}, delay=11, grant=0.1)
    hit = after(line)
    assert (hit.permitted, hit.licence, hit.grant_rate, hit.delay_ticks, hit.open_days) == (False, True, 0.1, 11, 0)
    assert after(line, chip="cut").permitted
    assert after(line, deal=SALE._replace(destination="HK")).permitted
    assert after(line, chip="dark").unknown and after(line, chip="dark").permitted


def test_named_part() -> None:
    letter = to_china("named_part", chips={"named": ["B-1"]})
    assert not after(letter).permitted
    assert after(letter, chip="cut").permitted


@pytest.mark.parametrize(
    ("policy", "permitted", "licence", "notify", "grant_rate"),
    [
        ("ban", False, False, False, 0.0),
        ("denial", False, True, False, 0.0),
        ("case_by_case", False, True, False, 0.7),
        ("notify", True, False, True, 1.0),
    ],
)
def test_licence_by_policy(policy: str, permitted: bool, licence: bool, notify: bool, grant_rate: float) -> None:
    hit = after(to_china("licence", policy=policy, delay=3.57))
    assert (hit.permitted, hit.licence, hit.notify, hit.grant_rate) == (permitted, licence, notify, grant_rate)
    assert hit.delay_ticks == (0 if policy == "ban" else 4)


def test_licences_of_two_rules_are_both_needed() -> None:
    hit = after(to_china("licence", grant=0.5, delay=4), to_china("licence", grant=0.5, delay=11))
    assert (hit.grant_rate, hit.delay_ticks) == (0.25, 11)


def test_savings_let_goods_in_transit_arrive() -> None:
    assert after(to_china("licence", policy="denial", savings=True)).savings
    assert not after(to_china("licence", policy="denial", savings=True), to_china("licence", policy="denial")).savings


def test_foreign_technology_is_out_of_reach() -> None:
    everything = {"lever": "licence", "policy": "denial"}
    for deal in (LegalClass("sale", "CN", "CN", "CN"), LegalClass("transfer", "CN", "CN", "CN")):
        assert after(everything, deal=deal, chip="home").permitted
    assert not after(everything, deal=LegalClass("reexport", "MY", "CN", "CN")).permitted
    assert not after(everything, deal=LegalClass("transfer", "MY", "MY", "CN")).permitted
    assert after(everything, deal=LegalClass("transfer", "CN", "CN", "CN")).permitted


def test_entity_list() -> None:
    listing = {"lever": "entity_list", "entities": ["sun"]}
    hit = after(listing)
    assert hit.permitted
    assert not after(listing, deal=SALE._replace(listed=1)).permitted
    assert hit.book.listing(60).parties == {"sun": "R"} and hit.book.listing(0).parties == {}
    listed_designer = FAB._replace(listed=1)
    assert after(listing, deal=listed_designer).permitted
    assert not after({**listing, "foreign_direct_product": True}, deal=listed_designer).permitted
    assert after({**listing, "foreign_direct_product": True}).book.listing(60).foundry == {"sun": "R"}


def test_affiliates_are_listed_with_their_parent() -> None:
    listing = {"lever": "entity_list", "entities": ["sun"]}
    assert "moon" not in after(listing).book.listing(60).parties
    parties = after(listing, {"lever": "entity_list", "affiliates": True}).book.listing(60).parties
    assert set(parties) == {"sun", "moon", "star"}


def test_quota() -> None:
    share = to_china("quota", chips={"named": ["big"]}, home_share=0.5, home="US", per="model", every=13)
    hit = after(share)
    (quota,) = hit.terms.quota
    assert hit.permitted and (quota.unit, quota.cap, quota.per, quota.home) == ("home_share", 0.5, "model", "US")
    assert (quota.period_weeks, quota.since_tick, quota.allocation) == (13, 22, "pro_rata")
    assert quota.cells[cell(hit.book, SALE, "big")] and not quota.cells[cell(hit.book, SALE, "cut")]
    for words in ({}, {"chips_cap": 1, "tpp_cap": 1}, {"home_share": 0.5}, {"chips_cap": 1, "home": "US"}):
        with pytest.raises(ValidationError):
            after(to_china("quota", **words))


def test_duties_and_shares_add() -> None:
    hit = after(to_china("tariff", rate=0.25), to_china("tariff", rate=0.1), to_china("revenue_share", rate=0.15))
    assert hit.permitted and (round(hit.tariff_rate, 9), hit.share_rate) == (0.35, 0.15)


def test_a_duty_is_owed_at_a_border_of_its_government() -> None:
    duty = {"lever": "tariff", "rate": 0.25}
    assert after(duty, by="CN").tariff_rate == 0.25
    assert after(duty, by="CN", deal=LegalClass("sale", "CN", "CN", "CN"), chip="home").tariff_rate == 0
    assert after(duty, by="NL").tariff_rate == 0


def test_either_side_of_a_trade_may_cap_it() -> None:
    for by, caps in (("US", True), ("CN", True), ("NL", False)):
        hit = after({"lever": "quota", "chips_cap": 9}, by=by)
        assert bool(hit.terms.quota[0].cells[cell(hit.book, SALE, "big")]) == caps


def test_tools_and_memory_pass_in_part() -> None:
    hit = after({"lever": "tool_control", "passes": 0.5}, {"lever": "tool_control", "passes": 0.5}, deal=TOOLS)
    assert not hit.permitted and hit.grant_rate == 0.25
    memory = after({"lever": "hbm_control", "passes": 0.05}, deal=LegalClass("hbm", "MY", "CN", "CN"))
    assert not memory.permitted and memory.grant_rate == 0.05
    assert after({"lever": "hbm_control", "passes": 0.05}, deal=TOOLS).permitted


def test_foundry_control_presumes() -> None:
    control = {"lever": "foundry_control", "chips": {"die_area_mm2_at_least": 330}, "where": [{"buyer_hq": ["D5"]}]}
    assert not after(control, deal=FAB, chip="dark").permitted
    assert not after(control, deal=FAB, chip="home").permitted
    assert after(control).permitted


def test_enforcement() -> None:
    terms: Terms = after({"lever": "enforcement", "staff": 5, "penalty": 2}, {"lever": "enforcement", "staff": 2}).terms
    assert (terms.enforcement["US"], terms.enforcement["MY"], terms.penalty["US"]) == (10, 1, 2)
    assert after({"lever": "enforcement", "staff": 3, "places": ["D5"]}).terms.enforcement["HK"] == 3


def test_location_verification() -> None:
    assert after(to_china("location_verification")).verification
    assert not after(to_china("location_verification"), deal=SALE._replace(destination="MY")).verification


def test_cloud_access() -> None:
    closed = {"lever": "cloud_access", "where": [{"buyer_hq": ["D5"]}], "bearer": "vendor", "kyc_detection": 0.5}
    hit = after(closed, deal=RENTAL)
    assert not hit.permitted and not hit.licence and not hit.terms.cloud_open
    (duty,) = hit.terms.cloud
    assert (duty.bearer, duty.kyc_detection, duty.cells[cell(hit.book, RENTAL, "big")]) == ("vendor", 0.5, True)
    assert after(closed).permitted
    assert after(closed, deal=LegalClass("rental", "CN", "CN", "CN", 1)).permitted
    assert after().terms.cloud_open


def test_subsidy() -> None:
    terms = after(
        {"lever": "subsidy", "rate": 0.1, "usd_yearly": 1e9}, {"lever": "subsidy", "rate": 0.2}, by="CN"
    ).terms
    assert round(terms.subsidy_rate["CN"], 9) == 0.3 and terms.subsidy_usd_yearly == {
        **dict.fromkeys(terms.subsidy_rate, 0.0),
        "CN": 1e9,
    }


def test_procurement_mandate() -> None:
    state = SALE._replace(end_use="state")
    whole = {"lever": "procurement_mandate", "chips": {"none": [{"design": ["CN"]}]}, "domestic_share": 1}
    hit = after(whole, deal=state, by="CN")
    assert not hit.permitted and hit.terms.domestic_mandate == {"civil": 0, "military": 0, "state": 1}
    assert after(whole, by="CN").permitted
    assert after(whole, deal=state, chip="home", by="CN").permitted
    part = after({**whole, "domestic_share": 0.5}, {**whole, "domestic_share": 0.25}, deal=state, by="CN")
    assert part.permitted and part.terms.domestic_mandate["state"] == 0.5


def test_purchase_guidance_is_a_ladder() -> None:
    hit = after({"lever": "purchase_guidance", "factor": 0.1}, {"lever": "purchase_guidance", "factor": 0.5}, by="CN")
    assert hit.permitted and hit.demand_factor == 0.1
    assert (
        after(
            {"lever": "purchase_guidance", "factor": 0.1}, by="CN", deal=SALE._replace(destination="MY")
        ).demand_factor
        == 1
    )


def test_import_ban_stops_goods_at_its_own_border() -> None:
    ban = {"lever": "import_ban", "chips": {"named": ["big"]}}
    assert not after(ban, by="CN").permitted and not after(ban, by="CN").licence
    assert after(ban, by="CN", deal=SALE._replace(destination="HK")).permitted
    assert after({**ban, "policy": "case_by_case"}, by="CN").licence


def test_customs_inspection() -> None:
    terms = after({"lever": "customs_inspection", "inspected": 0.3, "grey_tolerated": False}, by="CN").terms
    assert (terms.customs["CN"], terms.grey_tolerated["CN"], terms.grey_tolerated["HK"]) == (0.3, False, True)


def test_counter_control() -> None:
    control = {"lever": "counter_control", "against": ["tier1", "US"], "factor": 0.9, "where": [{"origin": ["CN"]}]}
    hit = after(control, control, by="CN", deal=LegalClass("input", "CN", "US", "US"))
    assert not hit.permitted and hit.terms.input_factor == {"kiln": 1.0, "mine": 0.9 * 0.9}


def test_allies_follow_with_a_lag_and_only_while_there_is_a_rule_to_follow() -> None:
    first = rule(
        {
            "lever": "tool_control",
            "clause": "tools",
            "where": [{"origin": ["US"], "destination": ["CN"]}],
            "passes": 0.5,
        }
    )
    allied = rule({"lever": "allied_alignment", "of": ["FIRST/tools"], "allies": ["NL"], "lag": 10}, by="NL")
    book = book_of({"FIRST": first, "ALLIED": allied})
    dutch = cell(book, LegalClass("tools", "NL", "CN", "CN"), "big")
    assert book.terms(31).permitted[dutch] and not book.terms(32).permitted[dutch]
    assert book.rule_ids[book.terms(32).rule[dutch]] == "ALLIED"
    assert not book.terms(23).permitted[cell(book, TOOLS, "big")]
    assert book_of({"ALLIED": allied}).terms(90).permitted[dutch]


def test_retroactive_duties_go_by_place() -> None:
    duty = {"lever": "retroactive", "chips": {"tpp_at_least": 5000}, "reachable": ["MY"], "notice": 8, "buy_back": 0.5}
    book = book_of({"R": rule(duty)})
    (seen,) = book.terms(22).retroactive or ()
    assert (seen.notice_weeks, seen.buy_back) == (8, 0.5)
    assert (seen.inside, seen.reachable, seen.owners, seen.since_tick) == (
        ("CN", "HK", "MO"),
        ("MY",),
        ("CN", "HK"),
        22,
    )
    assert seen.chips.tolist() == [True, True, False, True, False, True]
    foreign_host = cell(book, LegalClass("rental", "US", "CN", "CN", 1, place="CN"), "big")
    own_host = cell(book, LegalClass("rental", "CN", "CN", "CN", 1), "big")
    hub_lease = cell(book, RENTAL, "big")
    first, later = book.terms(22), book.terms(30)
    assert not first.permitted[foreign_host] and first.permitted[own_host] and first.permitted[hub_lease]
    assert not later.permitted[hub_lease] and later.permitted[own_host]
    assert book.terms(21).retroactive is None


def test_repeal_and_suspension() -> None:
    rules = {
        "R": rule(to_china("licence", policy="denial")),
        "STAY": rule({"lever": "repeal", "rules": ["R"]}, since="2022-08-01", until="2022-10-03"),
    }
    book = book_of(rules)
    it = cell(book, SALE, "big")
    assert [bool(book.terms(tick).permitted[it]) for tick in (21, 22, 29, 30, 38, 39)] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_a_repealed_repeal_lifts_nothing() -> None:
    rules = {
        "R": rule(to_china("licence", policy="denial")),
        "STAY": rule({"lever": "repeal", "rules": ["R", "GONE"]}),
        "BACK": rule({"lever": "repeal", "rules": ["STAY"]}),
    }
    book = book_of(rules)
    assert not book.terms(60).permitted[cell(book, SALE, "big")]


def test_exemption_by_clause() -> None:
    rules = {
        "R": rule(
            to_china("licence", policy="denial", clause="a", chips={"named": ["big"]}),
            to_china("licence", policy="denial", clause="b", chips={"named": ["cut"]}),
        ),
        "CARVE": rule({"lever": "exemption", "of": ["R/a", "GONE"], "where": [{"end_use": ["state"]}]}),
    }
    book = book_of(rules)
    terms, state = book.terms(60), SALE._replace(end_use="state")
    assert terms.permitted[cell(book, state, "big")] and not terms.permitted[cell(book, state, "cut")]
    assert not terms.permitted[cell(book, SALE, "big")]


def test_licence_policy_stands_in_and_the_latest_wins() -> None:
    rules = {
        "R": rule(to_china("threshold", policy="denial", chips={"tpp_at_least": 5000})),
        "FIRST": rule({"lever": "licence_policy", "of": ["R"], "grant": 0.5}),
        "SECOND": rule(
            {"lever": "licence_policy", "of": ["R"], "chips": {"named": ["big"]}, "policy": "notify"},
            since="2022-08-01",
        ),
    }
    book = book_of(rules)
    big, cut, small = (cell(book, SALE, chip) for chip in ("big", "cut", "small"))
    before, then = book.terms(25), book.terms(60)
    assert (before.grant_rate[big], before.grant_rate[cut]) == (0.5, 0.5)
    assert then.permitted[big] and then.notify[big] and then.grant_rate[cut] == 0.5 and then.permitted[small]
    alone = book_of({"FIRST": rules["FIRST"]})
    assert alone.terms(60).permitted.all()


def test_an_unknown_lever_and_an_unknown_key_are_refused() -> None:
    for effect, said in (
        ({"lever": "tarif"}, 'did you mean "tariff"'),
        ({"rate": 1}, "without a lever"),
        ({"lever": "tariff", "rate": 0.1, "rat": 1}, "rat"),
        ({"lever": "tariff"}, "rate"),
    ):
        with pytest.raises(ValidationError, match=said):
            rule(effect)


@pytest.mark.parametrize(
    "words",
    [
        {"inert": True},
        {"since": None},
        {"until": "2022-06-06"},
        {"kind": "whim"},
        {"by": []},
        {"announced": "2022-13-01"},
    ],
)
def test_a_rule_that_is_not_whole_is_refused(words: dict[str, Any]) -> None:
    said = {"by": "US", "kind": "control_rule", "announced": "2022-06-06", "since": "2022-06-06", **words}
    with pytest.raises(ValidationError):
        Rule.model_validate(said)


@pytest.mark.parametrize(
    "effect",
    [
        {"lever": "threshold", "chips": {"named": ["big"]}},
        {"lever": "named_part", "chips": {"tpp_at_least": 1}},
        {"lever": "licence", "since": "2022-06-06", "until": "2022-06-06"},
        {"lever": "licence", "grant": 1.5},
        {"lever": "tariff", "rate": -0.1},
        {"lever": "licence", "policy": "maybe"},
    ],
)
def test_an_effect_out_of_bounds_is_refused(effect: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(effect)


def test_every_name_in_a_rule_is_told_with_its_place() -> None:
    made = rule(
        {"lever": "exemption", "of": ["R/a"], "chips": {"any": [{"named": ["big"]}]}, "where": [{"buyer_hq": ["D5"]}]},
        {"lever": "entity_list", "entities": ["sun"]},
    )
    assert {(".".join(map(str, found.at)), found.kind, found.word) for found in references(made)} == {
        ("effects.0.of.0", "rule", "R"),
        ("effects.0.chips.any.0.named.0", "chip", "big"),
        ("effects.0.where.0.buyer_hq.0", "place", "D5"),
        ("effects.1.entities.0", "actor", "sun"),
    }
