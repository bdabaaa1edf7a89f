"""Identities of chapter 10 that hold without filters, and the ways of arrival that must change nothing."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.model.properties import BY_NAME
from odometer.store.tables import DERIVED
from tests.conftest import Store, tried
from tests.generic import by_engine
from tests.worlds import World, dealings, feed, worlds

ONE_DAY = dt.timedelta(days=1)
_LIGHT = tried(6)
Split = dict[str, dict[str, int]]


def snapshot(store: Store, product: int) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that reports read of a product, except numbers of clients, which follow the order of arrival."""
    found = {}
    for table in DERIVED:
        names = ", ".join(name for name in table.column_names if name not in ("product", "client_no", "sign"))
        found[table.name] = store.engine.rows(
            f"SELECT {names}, sum(sign) AS times FROM odometer.{table.name} WHERE product = {{p:UInt64}} "
            f"GROUP BY {names} HAVING times != 0 ORDER BY ALL",
            {"p": product},
        )
    return found


class Asked:
    """generic/dateRange of one product over one range at one T."""

    def __init__(self, store: Store, product: int, span: tuple[dt.date, dt.date], today: dt.date) -> None:
        self._store, self._product, self._span, self.today = store, product, span, today

    def __call__(self, split: str | None, *, declared: bool = False, silence: int = 7, later: int = 0) -> Any:
        """The figures; `later` moves the range by so many days."""
        first, last = (day + later * ONE_DAY for day in self._span)
        request = {
            "startDate": str(first),
            "stopDate": str(last),
            "dateSplit": split,
            "clientStatus": ["new", "active", "lost"],
            "daysUntilDeclaredLost": silence,
            "dateReportedLost": "dateDeclaredLost" if declared else "dateLastSeen",
        }
        return by_engine(self._store, self._product, request, self.today)["result"]


@st.composite
def spans(draw: st.DrawFn, days: list[dt.date]) -> tuple[dt.date, dt.date]:
    first = draw(st.sampled_from(days)) - draw(st.integers(0, 9)) * ONE_DAY
    return first, first + draw(st.integers(0, 90)) * ONE_DAY


def days_of(store: Store, product: int) -> list[dt.date]:
    rows = store.engine.rows(
        "SELECT DISTINCT day FROM odometer.client_day WHERE product = {p:UInt64} ORDER BY day", {"p": product}
    )
    return [day for (day,) in rows]


def _within(bucket: str, split: str, days: Split) -> list[int]:
    """The daily actives of a bucket of weeks or months."""
    first = dt.date.fromisoformat(bucket)
    after = first + 7 * ONE_DAY if split == "week" else (first + 31 * ONE_DAY).replace(day=1)
    return [figures["active"] for day, figures in days.items() if str(first) <= day < str(after)]


@given(data=st.data(), world=worlds())
def test_figures_agree_with_each_other(store: Store, data: st.DataObject, world: World) -> None:
    product = feed(store, world)
    days = days_of(store, product)
    if not days:
        return
    today = max(days) + data.draw(st.integers(-5, 60)) * ONE_DAY
    ask = Asked(store, product, data.draw(spans(days)), today)
    daily: Split = ask("day")
    whole: dict[str, int] = ask(None)
    weekly, monthly = ask("week"), ask("month")
    for split in (daily, weekly, monthly):
        assert all(figures["active"] >= figures["new"] for figures in split.values())
        assert sum(figures["new"] for figures in split.values()) == whole["new"]
        assert sum(figures["lost"] for figures in split.values()) == whole["lost"]
    for name, split in (("week", weekly), ("month", monthly)):
        for bucket, figures in split.items():
            inside = _within(bucket, name, daily)
            assert max(inside) <= figures["active"] <= sum(inside)
    actives = [figures["active"] for figures in daily.values()]
    assert max(actives) <= whole["active"] <= sum(actives)


@given(data=st.data(), world=worlds(), silence=st.sampled_from([1, 7, 30, 365]))
def test_losses_are_told_once_and_on_time(store: Store, data: st.DataObject, world: World, silence: int) -> None:
    product = feed(store, world)
    days = days_of(store, product)
    if not days:
        return
    today = max(days) + data.draw(st.integers(-5, silence + 5)) * ONE_DAY
    ask = Asked(store, product, (min(days), max(days)), today)
    by_seen: Split = ask("day", silence=silence)
    by_declared: Split = ask("day", silence=silence, declared=True, later=silence)
    # Declared lost on d = last seen lost on d - N.
    moved = {str(dt.date.fromisoformat(day) - silence * ONE_DAY): one["lost"] for day, one in by_declared.items()}
    assert moved == {day: figures["lost"] for day, figures in by_seen.items()}
    # Each client is lost at most once, and nobody who was seen within N days.
    clients = ask(None, silence=silence)["active"]
    assert sum(figures["lost"] for figures in by_seen.values()) <= clients
    recently = str(today - silence * ONE_DAY)
    assert not any(figures["lost"] for day, figures in by_seen.items() if day > recently)


@_LIGHT
@given(data=st.data(), world=worlds())
def test_replays_change_nothing(store: Store, data: st.DataObject, world: World) -> None:
    # Refusals at the door look at the moment of acceptance: who opts in again would be judged anew.
    product = feed(store, world)
    before = snapshot(store, product)
    again = data.draw(st.lists(st.sampled_from(world), min_size=1, max_size=4)) if world else []
    feed(store, again, product=product)
    assert snapshot(store, product) == before


@_LIGHT
@given(data=st.data(), world=worlds(steady=True), pause=st.none() | st.integers(0, 5))
def test_order_of_arrival_changes_nothing(store: Store, data: st.DataObject, world: World, pause: int | None) -> None:
    in_order = snapshot(store, feed(store, world))
    shuffled = data.draw(st.permutations(world))
    assert snapshot(store, feed(store, shuffled, pause=pause)) == in_order


@_LIGHT
@given(data=st.data(), world=worlds(steady=True), pause=st.none() | st.integers(0, 5))
def test_how_records_are_batched_changes_nothing(
    store: Store, data: st.DataObject, world: World, pause: int | None
) -> None:
    as_sent = snapshot(store, feed(store, world))
    assert snapshot(store, feed(store, data.draw(dealings(world)), pause=pause)) == as_sent


@_LIGHT
@given(world=worlds(), pause=st.integers(0, 5))
def test_a_rebuild_changes_and_writes_nothing(store: Store, world: World, pause: int) -> None:
    product = feed(store, world, pause=pause)
    before = snapshot(store, product)

    def refuse(table: str, *_: object) -> None:
        raise AssertionError(f"derived again, {table} was written although nothing had changed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.engine, "insert_native", refuse)
        store.derivation.derive_since(product, 0)
        store.derivation.derive_clients(product, {client for client, *_ in before["client"]})
    assert snapshot(store, product) == before


@_LIGHT
@given(world=worlds())
def test_a_rebuild_from_nothing_gives_the_same(store: Store, world: World) -> None:
    product = feed(store, world)
    before = snapshot(store, product)
    for table in DERIVED:
        # Removals of all rows, as if the derived tables had been lost.
        names = ", ".join(table.column_names[:-1])
        store.engine.command(
            f"INSERT INTO odometer.{table.name} SELECT {names}, -1 FROM odometer.{table.name} "
            f"WHERE product = {{p:UInt64}} GROUP BY {names} HAVING sum(sign) > 0",
            {"p": product},
        )
    assert not any(snapshot(store, product).values())
    store.derivation.derive_since(product, 0)
    assert snapshot(store, product) == before


def test_a_product_without_records_can_be_rebuilt(store: Store) -> None:
    product = store.new_product()
    store.derivation.derive_since(product, 0)
    store.derivation.derive_clients(product, set())
    assert not any(snapshot(store, product).values())


def test_every_daily_property_has_its_column() -> None:
    columns = set(next(table for table in DERIVED if table.name == "client_day").column_names)
    assert {prop.column for prop in BY_NAME.values() if prop.daily} < columns
