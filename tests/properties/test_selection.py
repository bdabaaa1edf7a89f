"""Filters, segments, levels and groups give the oracle's figures; and what chapter 10 says of them holds."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Store, tried
from tests.generic import Request, assert_same, by_engine, by_oracle, current_by_engine, text
from tests.properties.asking import FLAGS, NUMBERS, TEXTS, conditions, filter_of
from tests.properties.histories import days_of, histories, last_day, lives_of
from tests.properties.levels import PARTITIONS, STATUSES, date_ranges, levels
from tests.worlds import World, feed, worlds

# Building a world is what costs: few worlds, many requests of each.
_FEW = tried(5)
Figures = dict[str, int]
Splits = dict[str | None, Figures]


class Asked:
    """All statuses of generic/dateRange over one range of one product at one T, which is not before any data."""

    def __init__(self, store: Store, data: st.DataObject, world: World) -> None:
        self.product = feed(store, world)
        self.days = days_of(lives_of(world))
        self.today = last_day(world) + dt.timedelta(days=data.draw(st.sampled_from([0, 1, 7, 20])))
        self._store = store
        start, stop = sorted(data.draw(st.lists(st.sampled_from(self.days), min_size=2, max_size=2)))
        self._range: Request = {
            "startDate": str(start),
            "stopDate": str(stop),
            "clientStatus": STATUSES,
            "daysUntilDeclaredLost": data.draw(st.sampled_from([1, 3, 7])),
            "dateReportedLost": data.draw(st.sampled_from(["dateLastSeen", "dateDeclaredLost"])),
        }

    def __call__(self, split: str | None = None, **members: Any) -> Any:
        """The answer to a request with these members more."""
        return by_engine(self._store, self.product, {**self._range, "dateSplit": split, **members}, self.today)[
            "result"
        ]

    def figures(self, split: str | None, filters: Any = None) -> Splits:
        """The figures under filters in every bucket, None being the whole range."""
        answered = self(split, globalFilters=filters)
        return answered if split else {None: answered}

    def items(self, split: str | None, name: str, segments: Any = None) -> dict[str | None, dict[str, Figures]]:
        """The figures of every item in every bucket."""
        answered = self(split, levels={"level1": {"property": name, "segments": segments}})
        if split:
            return dict(answered)
        return {None: {label: item["totals"] for label, item in answered["level1"].items()}}

    def current(self, **members: Any) -> Any:
        """The answer of generic/current from the first day of the range."""
        request = {name: value for name, value in self._range.items() if name != "stopDate"}
        return current_by_engine(self._store, self.product, {**request, **members}, self.today)


def summed(figures: list[Figures]) -> Figures:
    return {status: sum(one[status] for one in figures) for status in STATUSES}


SPLITS = st.sampled_from([None, "day", "week", "month"])


def check(store: Store, data: st.DataObject, world: World, requests: int) -> None:
    product = feed(store, world)
    found = lives_of(world)
    for request, today in data.draw(
        st.lists(date_ranges(days_of(found), last_day(world)), min_size=requests, max_size=requests)
    ):
        answered = by_engine(store, product, request, today)
        assert_same(answered, by_oracle(found, request, today), request, today)


@tried(13)
@given(data=st.data(), world=histories())
def test_every_answer_is_the_oracles(store: Store, data: st.DataObject, world: World) -> None:
    check(store, data, world, 20)


@tried(5)
@given(data=st.data(), world=worlds())
def test_every_answer_is_the_oracles_however_records_arrived(store: Store, data: st.DataObject, world: World) -> None:
    check(store, data, world, 10)


@_FEW
@given(data=st.data(), world=histories())
def test_a_filter_and_the_segment_of_the_same_condition_agree(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    for _ in range(8):
        name = data.draw(st.sampled_from([*TEXTS, *NUMBERS, "touchScreen", *FLAGS]))
        condition, split = data.draw(conditions(name)), data.draw(SPLITS)
        joined = {"split": False} if condition.get("type") in ("stringArray", "regex") else {}
        item = ask.items(split, name, [{**condition, **joined, "segmentLabel": "these"}])
        assert {bucket: one["these"] for bucket, one in item.items()} == ask.figures(split, {name: condition})


@_FEW
@given(data=st.data(), world=histories())
def test_all_values_of_a_property_add_up_to_everyone(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    for name in data.draw(st.lists(st.sampled_from(PARTITIONS), min_size=5, max_size=5, unique=True)):
        split = data.draw(SPLITS)
        items = ask.items(split, name)
        assert {bucket: summed(list(one.values())) for bucket, one in items.items()} == ask.figures(split)


@_FEW
@given(data=st.data(), world=histories())
def test_every_level_adds_up_to_the_one_above(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    everyone: Figures = ask()
    for _ in range(3):
        names = data.draw(st.lists(st.sampled_from(PARTITIONS), min_size=3, max_size=3, unique=True))
        answered = ask(levels={f"level{depth}": {"property": name} for depth, name in enumerate(names, 1)})
        parents = [{"totals": everyone, **answered}]
        for depth in (1, 2, 3):
            for parent in parents:
                below = list(parent[f"level{depth}"].values())
                assert summed([item["totals"] for item in below]) == parent["totals"], names
            parents = [item for parent in parents for item in parent[f"level{depth}"].values()]


@_FEW
@given(data=st.data(), world=histories())
def test_a_filter_and_its_opposite_add_up_to_everyone(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    names = [*TEXTS, *NUMBERS, "touchScreen", *FLAGS, "os", "geography", "gpu", "optOut", "backOff"]
    for _ in range(8):
        name = data.draw(st.sampled_from([*names, "reachOutDeliveries", "dateInstalled", "dateLastSeen"]))
        form, split = data.draw(filter_of(name, ask.days, ask.today)), data.draw(SPLITS)
        these = ask.figures(split, {name: {**form, "exclude": False}})
        others = ask.figures(split, {name: {**form, "exclude": True}})
        both = {bucket: summed([these[bucket], others[bucket]]) for bucket in these}
        assert both == ask.figures(split), (name, form)


@_FEW
@given(data=st.data(), world=histories())
def test_any_text_or_null_filters_nothing(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    everything = {"type": "regex", "value": ".*", "includeNull": True}
    names = [name for name in TEXTS if name not in ("licenseType", "clientId")]
    for name in data.draw(st.lists(st.sampled_from(names), min_size=6, max_size=6, unique=True)):
        split = data.draw(SPLITS)
        assert ask.figures(split, {name: everything}) == ask.figures(split), name


@_FEW
@given(data=st.data(), world=histories())
def test_an_array_is_the_union_of_its_strings(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    for name in data.draw(st.lists(st.sampled_from(list(TEXTS)), min_size=3, max_size=3, unique=True)):
        split = data.draw(SPLITS)
        values = data.draw(st.lists(st.sampled_from([*TEXTS[name], "<NULL>"]), min_size=1, max_size=3, unique=True))
        array = ask.figures(split, {name: {"type": "stringArray", "value": values}})
        each = [ask.figures(split, {name: {"type": "string", "value": value}}) for value in values]
        assert array == {bucket: summed([one[bucket] for one in each]) for bucket in array}, (name, values)


@_FEW
@given(data=st.data(), world=histories())
def test_current_is_the_range_up_to_today(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    for _ in range(6):
        name = data.draw(st.sampled_from(["prodVersion", "os", "optOut", "cpuCores", "clientId", "touchScreen"]))
        members = {
            "levels": data.draw(levels(most=3)),
            "groupBy": data.draw(st.sampled_from([None, "machineId", "licenseKey", "C04"])),
            "globalFilters": {name: data.draw(filter_of(name, ask.days, ask.today))},
        }
        ranged = ask(None, stopDate="NOW", **members)
        assert text(ask.current(**members)["result"]) == text(ranged), members


@_FEW
@given(data=st.data(), world=histories(own_machines=True))
def test_groups_of_one_change_nothing(store: Store, data: st.DataObject, world: World) -> None:
    ask = Asked(store, data, world)
    for _ in range(5):
        split = data.draw(SPLITS)
        name = data.draw(st.sampled_from(["prodVersion", "gpu", "optOut", "licenseStatus", "lifetimeEventUsage"]))
        members = {
            "levels": data.draw(levels(most=1 if split else 3)),
            "globalFilters": {name: data.draw(filter_of(name, ask.days, ask.today))},
        }
        ungrouped = text(ask(split, **members))
        assert text(ask(split, **members, groupBy="clientId")) == ungrouped, members
        assert text(ask(split, **members, groupBy="machineId")) == ungrouped, members
