"""The oracle of the event reports obeys chapter 10 and agrees with the other oracles, on random histories.

Where two ways lead to one figure, an oracle that misread the definitions on one of them gives itself away. The engine
needs none of this: it has to answer as the oracle does.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import tried
from tests.event_reports import Flags, expected
from tests.generic import by_oracle
from tests.properties.asking import Form, conditions
from tests.properties.event_asking import REQUESTS, combinations, crowds, event_flags, eventful, known_as, single_events
from tests.properties.histories import days_of, last_day, lives_of
from tests.properties.levels import PARTITIONS
from tests.worlds import World

TABLES = ("lifetime_data_table", "churn_data_table")
HISTOGRAMS = ("lifetime_histogram", "churn_event_histogram")
TABLE_OF = dict(zip(HISTOGRAMS, TABLES, strict=True))
JUDGING = (*TABLES, "full_report")
# Of the full report they have other names.
_SUMS = ("eventCount", "eventCounts", "uniqueUsersUsedAtLeastOnce", "uniqueUsersNeverUsed", "activeUsers")
_WHOLE: Form = {"segmentBy": None, "segments": None, "page": None, "pageSize": None, "categorizeEvents": None}
_few = tried(6)


class Asked:
    """A request that was drawn for a world, and the answers to it with some members changed."""

    def __init__(self, data: st.DataObject, world: World, name: str) -> None:
        self.name = name
        self.lives = lives_of(world)
        self.request, self.today = data.draw(REQUESTS[name](days_of(self.lives), last_day(world)))

    def answer(self, changes: Form | None = None, flags: Flags | None = None) -> Any:
        return expected(self.name, self.lives, {**self.request, **(changes or {})}, self.today, flags)

    def _listed(self, changes: Form, flags: Flags | None = None) -> Any:
        result = self.answer(changes, flags)["result"]
        return result["detailedReport"] if self.name == "full_report" else result

    def rows(self, changes: Form | None = None, flags: Flags | None = None) -> dict[tuple[Any, ...], Form]:
        """The figures of everyone by event, in the order of the answer."""
        found = self._listed({**_WHOLE, **(changes or {})}, flags)
        return {_event(row): _figures(row) for row in found}

    def items(self, changes: Form) -> dict[tuple[Any, ...], dict[str, Form]]:
        """The figures of every item by event."""
        found = self._listed({**_WHOLE, "segmentBy": self.request.get("segmentBy"), **changes})
        if self.name != "full_report":
            return {_event(row): {item["segmentLabel"]: item for item in row["segments"]} for row in found}
        by_event: dict[tuple[Any, ...], dict[str, Form]] = {event: {} for event in self.rows(changes | _WHOLE)}
        for label, rows in found.items():
            for row in rows:
                by_event[_event(row)][label] = _figures(row)
        return by_event

    def clients(self, changes: Form) -> Any:
        """Those who count, in the figures of generic/dateRange."""
        status = "lost" if self.name.startswith("churn") else "active"
        request = {**self.request, "dateSplit": None, "clientStatus": [status], **changes}
        for member in ("segmentBy", "segments", "events"):
            request.pop(member, None)
        return by_oracle(self.lives, request, self.today)["result"]


def _event(row: Form) -> tuple[Any, ...]:
    if "combiLabel" in row:
        return ("combination", row["combiLabel"])
    return ("event", row.get("eventCategory", row.get("category")), row.get("eventName", row.get("name")))


def _figures(row: Form) -> Form:
    figures: Form = row.get("data", row)
    return figures


def _sums(row: Form) -> Form:
    return {key: row[key] for key in _SUMS if key in row}


def _people(row: Form) -> int:
    return int(row["uniqueUsersUsedAtLeastOnce"] + row["uniqueUsersNeverUsed"])


def _has_limit(request: Form) -> bool:
    return any("limit" in segment for segment in request.get("segments") or [])


@_few
@pytest.mark.parametrize("name", JUDGING)
@given(data=st.data(), world=eventful())
def test_population_is_what_generic_counts(name: str, data: st.DataObject, world: World) -> None:
    asked = Asked(data, world, name)
    # The lifetime reports judge filters and segments by another day than dateRange does.
    changes: Form = {"globalFilters": None} if name == "lifetime_data_table" else {}
    people = asked.clients(changes)
    for row in asked.rows(changes).values():
        assert [_people(row)] == list(people.values())
        assert row.get("activeUsers", _people(row)) == _people(row)
    by, segments = asked.request.get("segmentBy"), asked.request.get("segments")
    if by is None or name == "lifetime_data_table" or _has_limit(asked.request):
        return
    items = asked.clients({"levels": {"level1": {"property": by, "segments": segments}}})["level1"]
    wanted = {label: next(iter(item["totals"].values())) for label, item in items.items()}
    for found in asked.items({"segments": segments}).values():
        assert {label: _people(figures) for label, figures in found.items()} == wanted


@_few
@pytest.mark.parametrize("name", JUDGING)
@given(data=st.data(), world=eventful(), by=st.sampled_from(PARTITIONS))
def test_all_values_of_a_property_add_up(name: str, data: st.DataObject, world: World, by: str) -> None:
    asked = Asked(data, world, name)
    whole = asked.rows()
    parts = asked.items({"segmentBy": by})

    assert list(parts) == list(whole)
    for event, items in parts.items():
        summed: Form = {key: sum(item[key] for item in items.values()) for key in _sums(whole[event])}
        assert summed == _sums(whole[event])
        # Every event has the same items, whatever their order.
        assert items.keys() == next(iter(parts.values())).keys()


@_few
@pytest.mark.parametrize("name", JUDGING)
@given(data=st.data(), world=eventful())
def test_a_combination_lies_between_its_largest_member_and_their_sum(
    name: str, data: st.DataObject, world: World
) -> None:
    asked = Asked(data, world, name)
    members = data.draw(st.lists(single_events(), min_size=1, max_size=4, unique_by=known_as))
    # Elements that overlap with others count nothing twice.
    again = [{**members[0], "nameType": "string"}]
    rows = list(asked.rows({"events": [*members, {"combiLabel": "all", "combiArray": members + again}]}).values())
    single, all_of_them = rows[:-1], rows[-1]
    users = [row["uniqueUsersUsedAtLeastOnce"] for row in single]

    assert max(users) <= all_of_them["uniqueUsersUsedAtLeastOnce"] <= sum(users)
    for key in ("eventCount", "eventCounts"):
        assert all_of_them.get(key, 0) == sum(row.get(key, 0) for row in single)


@_few
@pytest.mark.parametrize("name", JUDGING)
@given(data=st.data(), world=eventful(), by=st.sampled_from(["prodVersion", "prodEdition", "os.version", "cpuCores"]))
def test_a_filter_and_the_segment_of_its_condition_agree(name: str, data: st.DataObject, world: World, by: str) -> None:
    asked = Asked(data, world, name)
    form = data.draw(conditions(by))
    named = {**form, "segmentLabel": "those"}
    events = {"globalFilters": None, "events": data.draw(st.lists(combinations(), min_size=1, max_size=1))}
    filtered = asked.rows({**events, "globalFilters": {by: form}})
    segment = asked.items({**events, "segmentBy": by, "segments": [named]})

    assert {event: {"those": _sums(row)} for event, row in filtered.items()} == {
        event: {label: _sums(item) for label, item in items.items()} for event, items in segment.items()
    }


@_few
@pytest.mark.parametrize("name", TABLES)
@given(data=st.data(), world=eventful())
def test_pages_hold_the_whole(name: str, data: st.DataObject, world: World) -> None:
    asked = Asked(data, world, name)
    flat = {"categorizeEvents": None}
    whole = asked.answer({**flat, "page": None, "pageSize": None})["result"]
    size = data.draw(st.integers(1, 4))
    pages = [asked.answer({**flat, "page": number, "pageSize": size}) for number in range(1, len(whole) // size + 3)]

    assert [row for page in pages for row in page["result"]] == whole
    assert pages[-1]["result"] == []
    assert {page["totalEvents"] for page in pages} == {len(whole)}


@_few
@pytest.mark.parametrize("name", JUDGING)
@given(data=st.data(), world=eventful(), flags=event_flags())
def test_flags_choose_what_is_listed_and_nothing_else(
    name: str, data: st.DataObject, world: World, flags: Flags
) -> None:
    asked = Asked(data, world, name)
    every = asked.rows({"events": None})
    left_out = {
        ("event", category or None, event) for (category, event), (_, advanced) in flags.items() if not advanced
    }
    listed = asked.rows({"events": None}, flags)

    assert list(listed.items()) == [(event, row) for event, row in every.items() if event not in left_out]
    assert all(row["uniqueUsersUsedAtLeastOnce"] for row in every.values())
    asks = [{"category": category, "name": event} for _, category, event in every]
    assert not asks or asked.rows({"events": asks}, flags) == every


@_few
@pytest.mark.parametrize("name", HISTOGRAMS)
@given(data=st.data(), world=eventful() | crowds())
def test_bins_hold_those_who_used_it(name: str, data: st.DataObject, world: World) -> None:
    asked = Asked(data, world, name)
    result = asked.answer()["result"]
    used, never = result["summary"]["usedAtLeastOnce"], result["summary"]["neverUsed"]
    twin = {**asked.request, "lowerBounds": None, "binUpperBounds": None}
    table = expected(TABLE_OF[name], asked.lives, twin, asked.today)["result"]
    rows = {_event(row): row for row in table}
    for place, entry in enumerate(used):
        row = rows[_event(entry)]
        assert [entry["value"], never[place]["value"]] == [
            row["uniqueUsersUsedAtLeastOnce"],
            row["uniqueUsersNeverUsed"],
        ]
        for key, bins in result["histograms"].items():
            inside = sum(of_bin[place]["value"] for of_bin in bins.values())
            given_bounds = key in (asked.request.get("lowerBounds") or {})
            assert inside <= entry["value"] if given_bounds else inside == entry["value"]
            assert all([_event(one) for one in of_bin] == [_event(one) for one in used] for of_bin in bins.values())


@_few
@given(data=st.data(), world=eventful())
def test_users_are_those_whom_the_filter_of_events_finds(data: st.DataObject, world: World) -> None:
    asked = Asked(data, world, "lifetime_data_table")
    combination = {"combiLabel": "one", "combiArray": [data.draw(combinations())["combiArray"][0]]}
    filters = {
        key: value for key, value in (asked.request["globalFilters"] or {}).items() if key != "lifetimeEventUsage"
    }
    (row,) = asked.rows({"events": [combination], "globalFilters": filters}).values()
    (found,) = asked.rows(
        {"events": [combination], "globalFilters": {**filters, "lifetimeEventUsage": combination["combiArray"]}}
    ).values()

    assert found["activeUsers"] == found["uniqueUsersUsedAtLeastOnce"] == row["uniqueUsersUsedAtLeastOnce"]
    assert found["eventCount"] == row["eventCount"]


@_few
@given(data=st.data(), world=eventful())
def test_the_full_report_counts_what_the_basic_table_counts(data: st.DataObject, world: World) -> None:
    asked = Asked(data, world, "full_report")
    rows = asked.rows({"globalFilters": None, "events": None})
    request = {**asked.request, "stopDate": asked.request["stopDate"].replace("NOW", str(asked.today))}
    basic = expected("basic_data_table", asked.lives, request, asked.today)["result"]

    assert {event: row["eventCounts"] for event, row in rows.items()} == dict(_basic_counts(basic))
    for row in rows.values():
        assert sum(row["usageFrequency"].values()) == row["uniqueUsersUsedAtLeastOnce"]
        assert len(row["usageFrequency"]) == 22


def _basic_counts(categories: list[Form]) -> Iterator[tuple[tuple[Any, ...], int]]:
    for category in categories:
        for name, figures in category["categoryEventsData"].items():
            yield ("event", category["category"], name), figures["eventUsage"]["cumulativeUsageCount"]


@_few
@pytest.mark.parametrize("name", [*TABLES, *HISTOGRAMS])
@given(data=st.data(), world=eventful(own_machines=True))
def test_groups_of_one_change_nothing(name: str, data: st.DataObject, world: World) -> None:
    asked = Asked(data, world, name)
    alone = asked.answer({"groupBy": None})

    assert asked.answer({"groupBy": "clientId"}) == alone
    assert asked.answer({"groupBy": "machineId"}) == alone
