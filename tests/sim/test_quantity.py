"""Quantity: the three forms read alike, paths step, faults say where and what would do."""

from datetime import date
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from sim.quantity import Day, Of, Quantity, Share, quantity_schema

Q = TypeAdapter(Quantity)
PRICE = TypeAdapter(Annotated[Quantity, Of("USD", 0)])


def fault_of(adapter: TypeAdapter[Any], data: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(data)
    (error,) = caught.value.errors()
    return error["ctx"]


def test_the_three_forms_say_the_same() -> None:
    assert Q.validate_python(3).value == Q.validate_python({"value": 3}).value == 3.0
    stepped = Q.validate_python({"2022-10-07": 4800, "2023-11-16": 2400})
    assert stepped.path == Q.validate_python({"path": {"2022-10-07": 4800, "2023-11-16": 2400}}).path


def test_a_path_steps_and_holds_flat_outside() -> None:
    q = Q.validate_python({"2023-11-16": 2400, "2022-10-07": 4800})
    days = [date(2020, 1, 1), date(2022, 10, 7), date(2023, 11, 15), date(2023, 11, 16), date(2030, 1, 1)]
    assert [q.at(day) for day in days] == [4800, 4800, 4800, 2400, 2400]


def test_a_path_read_along_is_a_straight_line_between_points() -> None:
    q = Q.validate_python({"path": {"2022-01-01": 0, "2022-01-11": 10}})
    assert [q.along(date(2022, 1, day)) for day in (1, 4, 11, 20)] == [0, 3, 10, 10]
    assert q.along(date(2021, 1, 1)) == 0


def test_yearly_points_carry_ranges() -> None:
    q = Q.validate_python({"yearly": {"2021": [1, 2, 4], "2022": 8}, "unit": "USD bn"})
    assert (q.point(date(2021, 5, 1)).low, q.point(date(2021, 5, 1)).high) == (1, 4)
    assert (q.low, q.high, q.at(date(2022, 1, 1)), q.unit) == (1, 8, 8, "USD bn")


def test_the_field_gives_unit_and_bounds() -> None:
    assert PRICE.validate_python(5).unit == "USD"
    assert fault_of(PRICE, -5)["wanted"] == "write 0 or more (USD)"
    assert fault_of(PRICE, {"value": 5, "unit": "EUR"})["at"] == ["unit"]
    assert "too high" in fault_of(TypeAdapter(Share), {"value": 0.5, "range": [0.2, 1.3]})["said"]


@pytest.mark.parametrize(("data", "at"), [
    ("4800", []), (True, []), (None, []), (float("nan"), []), (float("inf"), []), ([], []),
    ({}, ["path"]), ({"value": 1, "path": {"2022-01-01": 1}}, []), ({"unit": "USD"}, []),
    ({"value": "x", "unit": "USD"}, ["value"]), ({"value": 1, "range": [2, 3]}, []),
    ({"value": 1, "range": [0]}, ["range"]), ({"value": 1, "range": [0, "2"]}, ["range", "1"]),
    ({"2022-13-01": 1}, ["path", "2022-13-01"]), ({"yearly": {"22": 1}}, ["yearly", "22"]),
    ({"2022-01-01": [3, 2, 1]}, ["path", "2022-01-01"]), ({"value": 1, "sorce": "x"}, ["sorce"]),
    ({"value": 1, "source": 3}, ["source"]), ({"path": {"1022-01-01": 1}}, ["path", "1022-01-01"]),
    ({"path": {"2022-01-01": 1}, "range": [0, 2]}, ["range"]),
])
def test_a_fault_names_the_spot(data: Any, at: list[str]) -> None:
    assert fault_of(Q, data)["at"] == at


@pytest.mark.parametrize("day", ["2023-13-01", "2023-1-1", "20230101", 20230101, 0, None, "0999-01-01", "2023-02-30"])
def test_only_iso_days_are_dates(day: Any) -> None:
    fault_of(TypeAdapter(Day), day)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_written_quantity_reads_back(value: float, below: float, above: float) -> None:
    stated = {"value": value, "range": [value - below, value + above], "unit": "USD", "source": "assumption"}
    q = Q.validate_python(stated)
    assert Q.validate_python(q.plain()) == q


def test_a_quantity_passes_through_unchanged() -> None:
    class Row(BaseModel):
        price: Annotated[Quantity, Of("USD", 0)]

    price = PRICE.validate_python({"2022-01-01": 3})
    assert Row(price=price).price == price


def test_the_schema_carries_the_bounds() -> None:
    assert quantity_schema(Of("share", 0, 1))["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 1}
