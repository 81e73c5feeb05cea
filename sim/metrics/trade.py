"""Trade: what vendors are asked for, deliver and book, by four places of sale; cards and flows between countries."""

from __future__ import annotations

import numpy as np

from sim.metrics.base import BASES, Axis, Floats, Key, Series, Tally, metric
from sim.units import CENTS_PER_USD

OTHER = "other"
"""Label of chip, segment and actor for revenue outside data centres: scenario data, by region only."""

OTHER_COUNTRY = {"CN": "CN", "US": "US", "ROW": "XX"}


@metric(unit="chips", over_time="sum", dims=("vendor", "from", "chip", "actor", "to", "region", "basis"),
        standard=("vendor", "chip", "region", "basis=customer_hq"))
def units_delivered(tally: Tally) -> Series:
    """Chips a vendor hands over in the week, by first buyer and each of the four places of the sale."""
    keys = [_sold_key(tally, *cell, basis) for basis, cells, _, _ in tally.sold for cell in cells]
    return Series(keys, np.concatenate([chips for _, _, chips, _ in tally.sold]))


@metric(unit="USD", over_time="sum", dims=("vendor", "from", "chip", "segment", "actor", "to", "region", "basis"),
        standard=("vendor", "from", "segment", "region", "basis"),
        headline=("from", "segment=datacentre", "region", "basis=bill_to|customer_hq"))
def revenue_usd(tally: Tally) -> Series:
    """What a vendor books: chips at list on the day of sale, and revenue outside data centres (chip, segment and actor
    `other`, by region only, the same on every basis)."""
    keys = [_booked_key(tally, *cell, basis) for basis, cells, _, _ in tally.sold for cell in cells]
    values = np.concatenate([booked for _, _, _, booked in tally.sold])
    cells, other = tally.state("other_revenue_usd")
    for basis, _column in BASES:
        keys += [_other_key(tally, maker, region, basis) for maker, region in cells]
    return Series(keys, np.concatenate([values, *[other] * len(BASES)]))


@metric(unit="chips", over_time="sum", dims=("vendor", "chip", "actor", "to", "region"),
        standard=("vendor", "chip", "region"))
def units_ordered(tally: Tally) -> Series:
    """Chips ordered in the week; `to` is the country of the buyer's headquarters."""
    return _by_lab(tally, "ordered_chips")


@metric(unit="USD", over_time="sum", dims=("vendor", "chip", "actor", "to", "region"), standard=("vendor", "region"),
        headline=("region",))
def orders_usd(tally: Tally) -> Series:
    """Orders of the week at list; `to` is the country of the buyer's headquarters."""
    cells, chips = tally.state("ordered_chips")
    price = tally.record.state["list_price_usd"].T[[chip for _, chip in cells]] if cells else np.zeros_like(chips)
    return Series([_lab_key(tally, lab, chip) for lab, chip in cells], chips * np.nan_to_num(price))


@metric(unit="chips", over_time="last", dims=("vendor", "chip", "actor", "to", "region"),
        standard=("vendor", "chip", "region"))
def queue_chips(tally: Tally) -> Series:
    """Orders at list not yet filled, end of week; `to` is the country of the buyer's headquarters."""
    return _by_lab(tally, "queue_chips")


@metric(unit="chips", over_time="sum", dims=("vendor", "chip", "actor", "to", "region"), standard=("vendor", "region"))
def units_cancelled(tally: Tally) -> Series:
    """Orders struck out by a bar in the week."""
    return _by_lab(tally, "cancelled_chips")


@metric(unit="months", over_time="mean", dims=("vendor", "chip", "region"), standard=("vendor", "chip", "region"))
def wait_months(tally: Tally) -> Series:
    """Queue over thirteen-week mean deliveries."""
    cells, values = tally.state("wait_months")
    regions, chips = tally.names["region"], tally.names["chip"]
    return Series([(tally.chip_vendor[chip], chips[chip], regions[region]) for region, chip in cells], values)


@metric(unit="share", over_time="mean", dims=("to", "origin", "by"), standard=("to=CN", "origin", "by"),
        headline=("to=CN", "origin=domestic", "by=units"))
def cards_share(tally: Tally) -> Series:
    """Share of data-centre cards sold into a country that its own makers sell, by units and by value at list; over a
    window the ratio of sums, as in counts of shipments. Grey arrivals are in no vendor's count. `to` is the place
    of delivery."""
    cards = tally.sales[tally.of["chip_datacentre"][tally.trades["chip"][tally.sales]]]
    seller = tally.of["maker_hq"][tally.of["chip_maker"]][tally.trades["chip"][cards]]
    home = np.asarray(seller == tally.trades["ship_to"][cards]).astype(np.int64)
    axes = [tally.labels("country", "ship_to", cards), Axis(("foreign", "domestic"), home)]
    at_list = tally.trades["list_cents"][cards] / CENTS_PER_USD
    keys, sums = tally.count(cards, axes, tally.trades["chips"][cards], at_list)
    out = [_share(keys, amount, by) for by, amount in zip(("units", "value"), sums, strict=True)]
    return Series([key for part in out for key in part.keys], np.concatenate([part.values for part in out]),
                  np.concatenate([part.base for part in out if part.base is not None]))


@metric(unit="USD", over_time="sum", dims=("from", "to", "route"), standard=("from", "to"))
def hub_flow_usd(tally: Tally) -> Series:
    """Goods over borders in the week, paid less taxes, from where they load to where they are delivered."""
    trades = np.flatnonzero(tally.trades["book"] <= 1)
    lane, chip = tally.trades["lane"][trades], tally.trades["chip"][trades]
    has_lane = len(tally.of["lane_from"]) > 0
    start = np.where(lane >= 0, tally.of["lane_from"][lane], tally.of["chip_fab"][chip]) if has_lane else \
        tally.of["chip_fab"][chip]
    abroad = start != tally.trades["ship_to"][trades]
    trades, start, lane = trades[abroad], start[abroad], lane[abroad]
    value = (tally.trades["paid_cents"][trades] - tally.trades["tax_cents"][trades]) / CENTS_PER_USD
    countries = tally.names["country"]
    axes = [Axis(countries, start), tally.labels("country", "ship_to", trades),
            Axis(("maker", *tally.names["lane"]), lane + 1)]
    keys, (values,) = tally.count(trades, axes, value)
    return Series(keys, values)


def _sold_key(tally: Tally, chip: int, actor: str, to: str, basis: str) -> Key:
    maker = tally.of["chip_maker"][chip]
    return (tally.names["maker"][maker], tally.names["country"][tally.of["maker_hq"][maker]], tally.names["chip"][chip],
            actor, to, tally.country_region[to], basis)


def _booked_key(tally: Tally, chip: int, actor: str, to: str, basis: str) -> Key:
    vendor, start, part, buyer, to, region, basis = _sold_key(tally, chip, actor, to, basis)
    segment = "datacentre" if tally.of["chip_datacentre"][chip] else "consumer"
    return (vendor, start, part, segment, buyer, to, region, basis)


def _other_key(tally: Tally, maker: int, region: int, basis: str) -> Key:
    where = tally.names["region"][region]
    return (tally.names["maker"][maker], tally.names["country"][tally.of["maker_hq"][maker]], OTHER, OTHER, OTHER,
            OTHER_COUNTRY[where], where, basis)


def _by_lab(tally: Tally, state: str) -> Series:
    cells, values = tally.state(state)
    return Series([_lab_key(tally, lab, chip) for lab, chip in cells], values)


def _lab_key(tally: Tally, lab: int, chip: int) -> Key:
    to = tally.names["country"][tally.of["lab_hq"][lab]]
    return tally.chip_vendor[chip], tally.names["chip"][chip], tally.names["lab"][lab], to, tally.country_region[to]


def _share(keys: list[Key], amount: Floats, by: str) -> Series:
    """Each origin's share of a country's cards, with all cards there as base."""
    out: list[Key] = []
    values, base = [], []
    for to in dict.fromkeys(key[0] for key in keys):
        rows = {key[1]: amount[row] for row, key in enumerate(keys) if key[0] == to}
        whole = np.asarray(sum(rows.values()))
        for origin, part in rows.items():
            out.append((to, origin, by))
            values.append(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan))
            base.append(whole)
    shape = (0, amount.shape[1])
    return Series(out, np.array(values) if out else np.zeros(shape), np.array(base) if out else np.zeros(shape))


