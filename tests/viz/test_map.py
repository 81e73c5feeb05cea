"""Map: everyone has a place of their own, by kind and jurisdiction; a crowd is folded and nobody is lost."""

from __future__ import annotations

from tests.viz.fake_record import SEATS, fake_result
from viz import map as picture


def test_columns_by_kind_and_bands_by_country() -> None:
    plan = picture.plan(fake_result().record, SEATS)
    assert len(plan.nodes) == 60
    by_kind = {kind: {node.x for node in plan.nodes if node.kind == kind} for kind in picture.KINDS}
    assert max(by_kind["supplier"]) < min(by_kind["maker"]) <= max(by_kind["maker"]) < min(by_kind["distributor"])
    assert max(by_kind["distributor"]) < min(by_kind["lab"])
    for node in plan.nodes:
        band = picture.BANDS.index(node.band)
        assert plan.edges[band] < node.y < plan.edges[band + 1]


def test_no_two_marks_share_a_place() -> None:
    nodes = picture.plan(fake_result().record, SEATS).nodes
    assert len({(node.x, node.y) for node in nodes}) == len(nodes)


def test_a_crowd_is_folded_into_one_mark() -> None:
    record = fake_result().record
    plan = picture.plan(record, SEATS, most=5)
    rest = next(node for node in plan.nodes if node.id == "rest_lab_CN")
    assert len(rest.actors) == 10
    drawn = {row for node in plan.nodes for row in node.actors}
    everyone = {record.names["actor"].index(name) for kind in picture.KINDS for name in record.names[kind]}
    assert drawn == everyone
    assert all(plan.node_of[row] == plan.nodes.index(rest) for row in rest.actors)


def test_names_read_well() -> None:
    assert picture.label_of("us_lab_03") == "US Lab 03"
    assert picture.label_of("skhynix") == "SK Hynix"
