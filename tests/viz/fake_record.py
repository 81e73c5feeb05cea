"""A made-up run in the shape of sim.record: 60 nodes, about 200 lanes, 104 weeks, one rule that bites at week 40."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.panel import Panel
from sim.record import CHANNELS, TRADE_COLUMNS, Event, Record

WEEKS = 104
BAN = 40
MAKERS = (("nvidia", "US"), ("amd", "US"), ("intel", "US"), ("huawei", "CN"), ("cambricon", "CN"), ("hygon", "CN"))
SUPPLIERS = (
    ("tsmc", "TW"),
    ("cowos", "TW"),
    ("skhynix", "KR"),
    ("samsung", "KR"),
    ("micron", "US"),
    ("asml", "NL"),
    ("smic", "CN"),
    ("cxmt", "CN"),
)
HUBS = ("SG", "MY", "HK", "AE", "TW", "JP", "US", "CN")
CHIPS = (
    ("A100", 0, 4992.0),
    ("H100", 0, 15824.0),
    ("A800", 0, 4992.0),
    ("H20", 0, 2368.0),
    ("MI250", 1, 5800.0),
    ("Gaudi2", 2, 6912.0),
    ("910B", 3, 5000.0),
    ("910C", 3, 10000.0),
    ("MLU370", 4, 1536.0),
    ("DCU", 5, 1600.0),
)
COUNTRIES = ("AE", "CN", "HK", "JP", "KR", "MY", "NL", "SG", "TW", "US")


@dataclass
class FakeResult:
    """What sim.run gives back, as far as the pages read it."""

    record: Record
    panels: Mapping[str, Panel]

    @property
    def events(self) -> list[Event]:
        return self.record.events

    def panel(self, name: str) -> Panel:
        return self.panels[name]


SEATS = dict(SUPPLIERS)
"""Country of each supplier, as the scenario says it."""


def wave(row: int, col: int) -> float:
    """A repeatable number in [0, 1) for a pair of rows; spreads volumes without a draw."""
    return (np.sin(12.9898 * (row + 1) + 78.233 * (col + 1)) * 43758.5453) % 1.0


def fake_result(leak: float = 1.0, weeks: int = WEEKS) -> FakeResult:
    """A run; `leak` scales the grey flow, so that two worlds differ."""
    record = Record(
        clock=Clock(date(2022, 1, 3), date.fromordinal(date(2022, 1, 3).toordinal() + 7 * weeks)),
        names=_names(),
        of=_attributes(),
    )
    record.ticks_run = weeks
    record.trades = dict(_trades_once(weeks))
    grey = record.trades["channel"] == CHANNELS.index("grey")
    record.trades["chips"] = np.where(grey, record.trades["chips"] * leak, record.trades["chips"]).astype(np.int64)
    record.state = _state(record, weeks)
    record.events = _events(weeks)
    return FakeResult(record, _panels(record, leak, weeks))


@cache
def _trades_once(weeks: int) -> dict[str, NDArray[Any]]:
    return _trades(Record(clock=Clock(date(2022, 1, 3), date(2030, 1, 7)), names=_names(), of=_attributes()), 1.0, weeks)


def _names() -> dict[str, tuple[str, ...]]:
    labs = tuple(
        [f"us_lab_{i:02d}" for i in range(12)] + [f"cn_lab_{i:02d}" for i in range(14)] + [f"row_lab_{i:02d}" for i in range(6)]
    )
    shops = tuple(f"shop_{HUBS[i % len(HUBS)].lower()}_{i:02d}" for i in range(14))
    makers, suppliers = tuple(name for name, _ in MAKERS), tuple(name for name, _ in SUPPLIERS)
    actors = tuple(sorted((*labs, *shops, *makers, *suppliers, "gov_us", "gov_cn")))
    return {
        "actor": actors,
        "maker": makers,
        "lab": labs,
        "distributor": shops,
        "supplier": suppliers,
        "chip": tuple(name for name, *_ in CHIPS),
        "country": COUNTRIES,
        "channel": CHANNELS,
        "use": ("train", "infer"),
        "region": ("CN", "US", "ROW"),
        "place": ("listed", "civil"),
        "party": (),
        "rule": ("OCT_2022", "SUBSIDY_CN"),
    }


def _country(name: str) -> str:
    if name in dict(MAKERS):
        return dict(MAKERS)[name]
    if name in dict(SUPPLIERS):
        return dict(SUPPLIERS)[name]
    if name.startswith("shop_"):
        return name.split("_")[1].upper()
    return {"us": "US", "cn": "CN", "row": "JP"}[name.split("_")[0]]


def _attributes() -> dict[str, NDArray[Any]]:
    names = _names()
    actor = {name: row for row, name in enumerate(names["actor"])}
    country = {name: row for row, name in enumerate(COUNTRIES)}
    rows = {axis: np.array([actor[name] for name in names[axis]]) for axis in ("lab", "maker", "distributor")}
    seat = {axis: np.array([country[_country(name)] for name in names[axis]]) for axis in rows}
    return {
        "lab_actor": rows["lab"],
        "maker_actor": rows["maker"],
        "distributor_actor": rows["distributor"],
        "lab_country": seat["lab"],
        "lab_hq": seat["lab"],
        "maker_hq": seat["maker"],
        "distributor_country": seat["distributor"],
        "chip_maker": np.array([maker for _, maker, _ in CHIPS]),
        "chip_tpp": np.array([tpp for *_, tpp in CHIPS]),
    }


def _trades(record: Record, leak: float, weeks: int) -> dict[str, NDArray[Any]]:
    names, of = record.names, record.of
    cn = COUNTRIES.index("CN")
    rows: list[tuple[int, ...]] = []

    def trade(tick: int, book: int, seller: int, buyer: int, chip: int, chips: int, channel: int) -> None:
        if chips > 0:
            rows.append(
                (
                    tick,
                    book,
                    seller,
                    buyer,
                    chip,
                    chips,
                    chips * 2_000_000,
                    chips * 1_800_000,
                    0,
                    0,
                    channel,
                    -1,
                    0,
                    0,
                    0,
                    0,
                    -1,
                    tick + 2,
                )
            )

    supplier_rows = [names["actor"].index(name) for name in names["supplier"]]
    for tick in range(weeks):
        growth = 1 + tick / 52
        for row, supplier in enumerate(supplier_rows):
            for m, maker in enumerate(of["maker_actor"]):
                if wave(row, m) > 0.45:
                    trade(tick, 3, int(supplier), int(maker), m, int(900 * wave(m, row) * growth), 0)
        for m, maker in enumerate(of["maker_actor"]):
            chip = (0, 4, 5, 6, 8, 9)[m]
            for row, lab in enumerate(of["lab_actor"]):
                chinese = of["lab_country"][row] == cn
                home = chinese and of["maker_hq"][m] == cn
                if wave(m + 7, row) < 0.55 or (of["maker_hq"][m] == cn and not chinese):
                    continue
                if chinese and not home and tick >= BAN:
                    continue
                rush = 1.8 if chinese and not home and tick > BAN - 8 else 1.0
                trade(tick, 0, int(maker), int(lab), chip, int(400 * wave(row, m) * growth * rush), 1 if home else 0)
            for row, shop in enumerate(of["distributor_actor"]):
                if wave(m + 3, row) > 0.6 and of["maker_hq"][m] != cn:
                    trade(tick, 0, int(maker), int(shop), chip, int(120 * wave(row, m) * growth), 0)
        for row, shop in enumerate(of["distributor_actor"]):
            for col, lab in enumerate(of["lab_actor"]):
                if wave(row + 11, col) > 0.86:
                    chinese = of["lab_country"][col] == cn
                    grey = chinese and tick >= BAN
                    chips = int(90 * wave(col, row) * (leak * min(1, (tick - BAN) / 20) if grey else 1))
                    trade(tick, 1, int(shop), int(lab), 1, chips, 2 if grey else 3)
        for col in range(3):
            trade(tick, 2, int(of["lab_actor"][col]), int(of["lab_actor"][14 + col]), 0, int(60 * growth), 4)
    columns = np.array(rows, dtype=np.int64).T
    return {name: columns[i].astype(kind) for i, (name, kind) in enumerate(TRADE_COLUMNS.items())}


def _state(record: Record, weeks: int) -> dict[str, NDArray[Any]]:
    labs, chips, shops = len(record.names["lab"]), len(record.names["chip"]), len(record.names["distributor"])
    lab_row = {int(actor): row for row, actor in enumerate(record.of["lab_actor"])}
    shop_row = {int(actor): row for row, actor in enumerate(record.of["distributor_actor"])}
    bought = np.zeros((weeks, labs, chips, len(CHANNELS)), dtype=np.int64)
    held = np.zeros((weeks, shops, chips), dtype=np.int64)
    trades = record.trades
    to_lab = np.array([lab_row.get(row, -1) for row in range(len(record.names["actor"]))])[trades["buyer"]]
    to_shop = np.array([shop_row.get(row, -1) for row in range(len(record.names["actor"]))])[trades["buyer"]]
    lab, shop = (to_lab >= 0) & (trades["book"] <= 1), to_shop >= 0
    np.add.at(
        bought, tuple(column[lab] for column in (trades["tick"], to_lab, trades["chip"], trades["channel"])), trades["chips"][lab]
    )
    np.add.at(held, tuple(column[shop] for column in (trades["tick"], to_shop, trades["chip"])), trades["chips"][shop])
    chinese = record.of["lab_country"] == COUNTRIES.index("CN")
    queue = np.zeros((weeks, labs, chips), dtype=np.int64)
    queue[:, :, 1] = (np.arange(weeks)[:, None] * 30) * (1 + 2 * chinese[None, :])
    queue[BAN:, chinese, 1] = 0
    return {
        "stock_chips": bought.cumsum(axis=0),
        "distributor_chips": held,
        "queue_chips": queue,
        "finished_chips": np.full((weeks, chips), 500, dtype=np.int64),
    }


def _events(weeks: int) -> list[Event]:
    def happened(
        tick: int,
        kind: str,
        actor: str,
        text: str,
        cause: int = -1,
        rule: str = "",
        chip: str = "",
        other: str = "",
        quantity: float = 0.0,
        unit: str = "",
    ) -> Event:
        return Event(tick, kind, actor, chip, other, rule, quantity, unit, cause, text)

    log = [
        happened(BAN - 6, "decree_announced", "gov_us", "Rule announced", rule="OCT_2022"),
        happened(BAN, "decree_in_force", "gov_us", "Rule binds", cause=0, rule="OCT_2022"),
        happened(BAN, "queue_cancelled", "nvidia", "Orders struck out", 1, "OCT_2022", "A100", "cn_lab_00", 2400, "chips"),
        happened(BAN + 1, "charge", "nvidia", "Write-down booked", 2, "OCT_2022", "A100", "", 4.5e8, "USD"),
        happened(BAN + 9, "smuggled", "shop_sg_00", "Sold past the rule", 1, "OCT_2022", "H100", "cn_lab_03", 80, "chips"),
        happened(BAN + 20, "bust", "shop_hk_02", "Network shut", 4, "OCT_2022", "H100", "", 60, "chips"),
        happened(BAN + 30, "decree_in_force", "gov_cn", "Subsidy starts", -1, "SUBSIDY_CN"),
    ]
    return [event for event in log if event.tick < weeks]


def _panels(record: Record, leak: float, weeks: int) -> dict[str, Panel]:
    week = np.arange(weeks, dtype=float)
    after = np.maximum(0.0, week - BAN)

    def panel(
        name: str,
        unit: str,
        over: str,
        values: NDArray[np.float64],
        dims: tuple[str, ...] = (),
        key: tuple[str, ...] = (),
    ) -> Panel:
        return Panel(name, unit, over, dims, (key,), values[None, :])  # type: ignore[arg-type]

    assert record.clock.n_ticks == weeks
    return {
        "smuggled_chips": panel("smuggled_chips", "chips", "sum", leak * 20 * np.minimum(after, 20)),
        "grey_premium": panel("grey_premium", "ratio", "mean", 1 + leak * 0.4 * (after > 0) * (1 + np.sin(week / 6) / 3)),
        "lag_months": panel("lag_months", "months", "last", 10 + after / 12),
        "independence_index": panel("independence_index", "share", "last", 0.2 + 0.5 * after / weeks),
        "market_value_usd": panel("market_value_usd", "USD", "last", 5e11 * (1 + week / 40)),
        "wait_months": panel("wait_months", "months", "mean", 2 + 6 * np.exp(-(((week - 60) / 18) ** 2))),
    }
