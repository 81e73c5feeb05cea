"""A made-up Record, complete in every array of sim.record: what metrics, tables, reports and pages are tried on.

Two years, eight labs, four makers, three hub shops, one rule at week 40; numbers follow closed forms, so a test can say
what a metric must give. `size="history"` is as large as a run of the shipped history, for timing.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.posterior import UNFITTED
from sim.record import (
    ATTRIBUTES,
    CHANNELS,
    NEVER,
    PARTIES,
    PLACES,
    REGIONS,
    STATE,
    TRADE_COLUMNS,
    USES,
    Event,
    Record,
)

START = date(2022, 1, 3)
BAN = 40
COUNTRIES = ("CN", "HK", "MY", "SG", "TW", "US")
COUNTRY_REGION = (0, 2, 2, 2, 2, 1)
MAKERS = (("amd", "US"), ("huawei", "CN"), ("nvidia", "US"))
CHIPS = (  # name maker tpp io membw memory train infer datacentre fab cut_from announced volume
    ("A100", 2, 4992, 600, 2039, 80, 0.36, 0.59, True, 4, -1, -80, -70),
    ("A800", 2, 4992, 400, 2039, 80, 0.35, 0.59, True, 4, 0, 44, 50),
    ("Ascend 910B", 1, 5120, 392, 1600, 64, 0.24, 0.30, True, 0, -1, 52, 60),
    ("H100", 2, 15824, 900, 3350, 80, 1.0, 1.0, True, 4, -1, 30, 36),
    ("MI250X", 0, 6128, 800, 3277, 128, 0.4, 0.6, True, 4, -1, -9, -5),
    ("RTX 4090", 2, 5285, 64, 1008, 24, 0.1, 0.2, False, 4, -1, 37, 40),
)
LABS = (  # name seat hq military state
    ("bytedance", "CN", "CN", False, False),
    ("bytedance_my", "MY", "CN", False, False),
    ("google", "US", "US", False, False),
    ("microsoft", "US", "US", False, False),
    ("nudt", "CN", "CN", True, True),
    ("singtel", "SG", "SG", False, False),
    ("tencent", "CN", "CN", False, False),
)
SHOPS = (("hub_my", "MY"), ("hub_sg", "SG"))
LANES = (("grey MY-CN", "MY", "CN"), ("grey SG-CN", "SG", "CN"), ("hub TW-MY", "TW", "MY"))
LIST_USD = (12_000, 12_000, 11_000, 27_000, 10_000, 1_600)


class FakeScenario:
    """What a result asks of its scenario."""

    title = "A made-up history"
    summary = "Closed forms in place of a simulation."
    hash = "0" * 64
    rules: ClassVar[dict[str, Any]] = {}
    posterior = UNFITTED

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {"title": self.title, "summary": self.summary}


def fake_record(weeks: int = 104, size: str = "small", leak: float = 1.0) -> Record:
    """A run of `weeks`; `leak` scales the grey flow so that two runs differ; `size` is small or history."""
    extra = {"small": (0, 0), "history": (50, 40)}[size]
    record = Record(Clock(START, START + timedelta(weeks=weeks), {"nvidia": FISCAL}), _names(*extra), {})
    record.of = _attributes(record.names)
    record.trades = _trades(record, weeks, leak)
    record.state = _state(record, weeks)
    record.events = _events(weeks, leak)
    record.ticks_run = weeks
    return record


FISCAL = {
    "FY23Q1": date(2022, 5, 1),
    "FY23Q2": date(2022, 7, 31),
    "FY23Q3": date(2022, 10, 30),
    "FY23Q4": date(2023, 1, 29),
}


def _names(more_labs: int, more_chips: int) -> dict[str, tuple[str, ...]]:
    labs = tuple([name for name, *_ in LABS] + [f"tail_{i:02d}" for i in range(more_labs)])
    chips = tuple([chip[0] for chip in CHIPS] + [f"part {i:02d}" for i in range(more_chips)])
    makers, shops = tuple(name for name, _ in MAKERS), tuple(name for name, _ in SHOPS)
    return {
        "actor": tuple(sorted((*labs, *makers, *shops, "gov_cn", "gov_us", "tsmc"))),
        "maker": makers,
        "lab": labs,
        "distributor": shops,
        "supplier": ("tsmc",),
        "chip": chips,
        "country": COUNTRIES,
        "channel": CHANNELS,
        "use": USES,
        "region": REGIONS,
        "place": PLACES,
        "party": PARTIES,
        "lane": tuple(lane for lane, *_ in LANES),
        "rule": ("RULE_2022_10", "SG_CASE"),
    }


def _attributes(names: dict[str, tuple[str, ...]]) -> dict[str, NDArray[Any]]:
    actor = {name: row for row, name in enumerate(names["actor"])}
    country = {name: row for row, name in enumerate(COUNTRIES)}
    chips = [CHIPS[i % len(CHIPS)] for i in range(len(names["chip"]))]
    labs = [LABS[i % len(LABS)] for i in range(len(names["lab"]))]
    fields = (
        "maker",
        "tpp",
        "io_gbps",
        "membw_gbps",
        "memory_gb",
        "train_weight",
        "infer_weight",
        "datacentre",
        "fab",
        "cut_from",
        "announced_tick",
        "volume_tick",
    )
    of: dict[str, NDArray[Any]] = {
        f"chip_{field}": np.array([chip[i + 1] for chip in chips]) for i, field in enumerate(fields)
    }
    of["chip_volume_tick"][of["chip_volume_tick"] > 10_000] = NEVER
    for axis in ("maker", "lab", "distributor"):
        of[f"{axis}_actor"] = np.array([actor[name] for name in names[axis]])
    of["maker_hq"] = np.array([country[hq] for _, hq in MAKERS])
    of["lab_country"] = np.array([country[seat] for _, seat, *_ in labs])
    of["lab_hq"] = np.array([country[hq] for _, _, hq, *_ in labs])
    of["lab_region"] = np.array(COUNTRY_REGION)[of["lab_country"]]
    of["lab_military"], of["lab_state"] = np.array([lab[3] for lab in labs]), np.array([lab[4] for lab in labs])
    of["distributor_country"] = np.array([country[seat] for _, seat in SHOPS])
    of["country_region"] = np.array(COUNTRY_REGION)
    of["lane_from"] = np.array([country[start] for _, start, _ in LANES])
    of["lane_to"] = np.array([country[end] for *_, end in LANES])
    assert set(of) == set(ATTRIBUTES)
    return of


def _trades(record: Record, weeks: int, leak: float) -> dict[str, NDArray[Any]]:
    """Makers sell to labs every third week (foreign A100-class parts to China until BAN, A800 after week 50, Ascends
    in China after week 60); hubs sell H100 to Chinese labs after BAN; google leases A100s to bytedance."""
    of, rows = record.of, []
    for tick in range(weeks):
        for lab in range(len(of["lab_actor"])):
            for chip in range(len(record.names["chip"])):
                chips = _sold(of, tick, lab, chip)
                if chips:
                    domestic = of["maker_hq"][of["chip_maker"][chip]] == 0
                    rows.append(_sale(record, tick, lab, chip, chips, int(domestic)))
            if of["lab_hq"][lab] == 0 and tick >= BAN:
                rows.append(_leak(record, tick, lab, int(10 * leak)))
        rows.append(_lease(record, tick))
    columns = np.array(rows, dtype=np.int64).T
    return {name: columns[i].astype(kind) for i, (name, kind) in enumerate(TRADE_COLUMNS.items())}


def _sold(of: dict[str, NDArray[Any]], tick: int, lab: int, chip: int) -> int:
    chinese, domestic = of["lab_hq"][lab] == 0, of["maker_hq"][of["chip_maker"][chip]] == 0
    if tick < of["chip_volume_tick"][chip] or (domestic and not chinese) or (chip + lab + tick) % 3:
        return 0
    if chip >= len(CHIPS) and (7 * chip + lab) % 5:
        return 0
    barred = chinese and of["chip_io_gbps"][chip] >= 600 and tick >= BAN
    return 0 if barred else 100 + 10 * lab + tick


def _sale(record: Record, tick: int, lab: int, chip: int, chips: int, channel: int) -> tuple[int, ...]:
    of, cents = record.of, chips * LIST_USD[chip % len(CHIPS)] * 100
    seat, hq = int(of["lab_country"][lab]), int(of["lab_hq"][lab])
    bill_to = 3 if seat == 0 and chips % 2 else seat
    return (
        tick,
        0,
        int(of["maker_actor"][of["chip_maker"][chip]]),
        int(of["lab_actor"][lab]),
        chip,
        chips,
        cents + cents // 50,
        cents,
        cents // 100,
        0,
        channel,
        -1,
        seat,
        bill_to,
        hq,
        hq,
        -1,
        tick + 2,
    )


def _leak(record: Record, tick: int, lab: int, chips: int) -> tuple[int, ...]:
    of, shop = record.of, tick % 2
    cents, hub = chips * 27_000 * 100, int(of["distributor_country"][shop])
    return (
        tick,
        1,
        int(of["distributor_actor"][shop]),
        int(of["lab_actor"][lab]),
        3,
        chips,
        cents * 7 // 5,
        cents,
        0,
        0,
        2,
        0,
        0,
        hub,
        hub,
        0,
        shop,
        tick + 3,
    )


def _lease(record: Record, tick: int) -> tuple[int, ...]:
    of = record.of
    return (
        tick,
        2,
        int(of["lab_actor"][2]),
        int(of["lab_actor"][0]),
        0,
        500,
        500 * 168 * 150,
        0,
        0,
        0,
        4,
        1,
        5,
        5,
        0,
        0,
        -1,
        tick,
    )


def _state(record: Record, weeks: int) -> dict[str, NDArray[Any]]:
    size = {axis: len(labels) for axis, labels in record.names.items()}
    whole = {"chips", "dies", "stacks", "networks", "code"}
    state: dict[str, NDArray[Any]] = {}
    for name, (axes, unit, _) in STATE.items():
        shape = (weeks, *(size[axis] for axis in axes))
        state[name] = np.zeros(shape, dtype=np.int64 if unit in whole else np.float64)
    week, trades, of = np.arange(weeks), record.trades, record.of
    lab_of = np.full(size["actor"], -1)
    lab_of[of["lab_actor"]] = np.arange(size["lab"])
    owned = trades["book"] != 2
    arrived = np.zeros_like(state["stock_chips"])
    np.add.at(
        arrived,
        tuple(
            trades[name][owned] if name != "buyer" else lab_of[trades[name][owned]]
            for name in ("tick", "buyer", "chip", "channel")
        ),
        trades["chips"][owned],
    )
    state["stock_chips"] = arrived.cumsum(axis=0)
    state["ordered_chips"] = arrived.sum(axis=3) + 5
    state["queue_chips"] = np.broadcast_to((20 * week)[:, None, None], state["queue_chips"].shape).copy()
    state["rented_chips"][:, 0, 0, 1] = 500
    state["list_price_usd"][:] = [LIST_USD[chip % len(CHIPS)] for chip in range(size["chip"])]
    state["street_price_usd"][:] = state["list_price_usd"][:, None, :] * 1.4
    state["street_price_usd"][:BAN, 0] = np.nan
    state["rent_usd_per_hour"][:] = np.nan
    state["rent_usd_per_hour"][:, 1, 0] = 1.5
    state["wait_months"][:] = 3.0
    state["produced_chips"][:] = 1000
    state["charge_usd"][min(BAN, weeks - 1), 2, 0] = 4.5e8
    state["charge_guided_usd"][min(BAN, weeks - 1), 2, 0] = 5.5e8
    state["other_revenue_usd"][:] = 1e7
    state["market_value_usd"][:] = 5e11
    state["announcement_return"][min(BAN, weeks - 1), 2] = -0.07
    state["inventory_usd"][:] = 1e9
    state["commitments_usd"][:] = 2e9
    state["yield_share"][:, 1] = 0.3
    state["belief"][:] = 0.05
    state["efficiency"][:] = np.exp(week / 50)[:, None]
    state["capability"][:] = (23 + week / 60)[:, None]
    state["usable_train"][:] = 1000.0
    state["frontier_us"][:] = 24 + week / 60
    state["lag_months"][:] = 10 + week / 26
    state["runway_weeks"][:, of["lab_hq"] == 0] = 40.0
    state["networks_active"][:] = 5
    state["busts"][::26] = 1
    state["seized_chips"][::26, :, 3] = 50
    state["seized_usd"][::26] = 50 * 27_000.0
    state["case_usd"][::26] = 1400 * 40_000.0
    state["licences_asked"][:, 1], state["licences_granted"][:, 1], state["licences_pending"][:, 1] = 30, 20, 200
    state["military_access_weeks"][:] = (60.0, 12.0)
    state["military_price_multiple"][:] = 1.8
    state["welfare_usd"][:] = np.arange(len(PARTIES)) * 1e6
    return state


def _events(weeks: int, leak: float) -> list[Event]:
    log = [
        Event(BAN - 2, "decree_announced", "gov_us", "", "", "RULE_2022_10", 0.0, "", -1, "Advanced computing rule"),
        Event(BAN, "decree_in_force", "gov_us", "", "", "RULE_2022_10", 0.0, "", 0, "Advanced computing rule"),
        Event(
            BAN, "queue_cancelled", "nvidia", "A100", "tencent", "RULE_2022_10", 2400.0, "chips", 1, "orders struck out"
        ),
        Event(BAN, "charge", "nvidia", "A100", "", "RULE_2022_10", 4.5e8, "USD", 2, "write-down booked"),
        Event(BAN + 4, "redesign_announced", "nvidia", "A800", "A100", "RULE_2022_10", 0.0, "", 1, "A800 announced"),
        Event(
            BAN + 9,
            "smuggled",
            "hub_sg",
            "H100",
            "tencent",
            "RULE_2022_10",
            10 * leak,
            "chips",
            1,
            "sold past the rule",
        ),
        Event(BAN + 12, "bust", "hub_my", "H100", "", "RULE_2022_10", 1.0, "networks", 5, "a network is shut"),
    ]
    return [event for event in log if event.tick < weeks]
