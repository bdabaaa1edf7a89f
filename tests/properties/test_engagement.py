"""The reports of chapter 05 give the oracle's figures on every history, and agree with the generic ones (10)."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Store, tried
from tests.engagement_reports import asked, expected
from tests.generic import assert_same, by_engine
from tests.properties.asking import PLAIN, Form, conditions
from tests.properties.engagement_asking import COHORTS, REQUESTS, churn_histograms, crowds, engagements
from tests.properties.engagement_asking import usage_distributions as distributions
from tests.properties.histories import days_of, histories, last_day, lives_of
from tests.properties.levels import PARTITIONS
from tests.worlds import World, feed, worlds

AMOUNTS = ("activeDays", "sessions", "runtime")
HISTOGRAMS = ("churn_histogram_days", "churn_histogram_runtime", "churn_histogram_sessions")


@tried(7)
@given(data=st.data(), world=histories() | crowds() | worlds(), pause=st.none() | st.integers(0, 3))
def test_every_answer_is_the_oracles(store: Store, data: st.DataObject, world: World, pause: int | None) -> None:
    product = feed(store, world, pause=pause)
    found = lives_of(world)
    # What a wrong clock said may have moved behind the last day that was written.
    days = days_of(found)
    last = max([*days, last_day(world)])
    for name, requests in REQUESTS.items():
        for _ in range(4 if name == "churn_and_engagement" else 2):
            request, today = data.draw(requests(days, last))
            answered = asked(store, product, name, request, today)
            assert_same(answered, expected(name, found, request, today), {"report": name, **request}, today)


class World05:
    """A world in the store, and what is asked about it."""

    def __init__(self, store: Store, world: World) -> None:
        self.store, self.product = store, feed(store, world)
        lives = lives_of(world)
        self.days, self.last = days_of(lives), last_day(world)

    def ask(self, name: str, request: Form, today: dt.date) -> Any:
        return asked(self.store, self.product, name, request, today)

    def generic(self, status: str, request: Form, today: dt.date) -> Any:
        """The figures of generic/dateRange, without a split or by `dateSplit`."""
        known = ("startDate", "stopDate", "dateSplit", "globalFilters", "daysUntilDeclaredLost", "dateReportedLost")
        request = {name: request[name] for name in known if name in request}
        result = by_engine(self.store, self.product, {**request, "clientStatus": [status]}, today)["result"]
        if "dateSplit" in request:
            return {bucket: figures[status] for bucket, figures in result.items()}
        return result[status]


@tried(3)
@given(data=st.data(), world=histories() | crowds())
def test_bins_add_up_to_their_population(store: Store, data: st.DataObject, world: World) -> None:
    here = World05(store, world)
    request, today = data.draw(distributions(here.days, here.last))
    active = here.generic("active", request, today)
    result = here.ask("usage_distribution", request, today)["result"]
    for amount in AMOUNTS:
        assert sum(told["users"] for told in result[amount].values()) == active
        for other in set(AMOUNTS) - {amount}:
            for told in result[amount].values():
                assert sum(told[other].values()) == told["users"]
            for label, whole in result[other].items():
                assert sum(told[other][label] for told in result[amount].values()) == whole["users"]

    request, today = data.draw(churn_histograms(here.days, here.last))
    lost = here.generic("lost", request, today)
    for name in HISTOGRAMS:
        answer = here.ask(name, request, today)
        assert sum(answer["result"].values()) == answer["statistics"]["users"] == lost


def _reached(ages: dict[str, Form]) -> list[int]:
    """How many are so old, by age; ages ascend from 0 without a gap."""
    assert list(ages) == [str(age) for age in range(len(ages))]
    return [told["engaged"] + told["lost"] for told in ages.values()]


@tried(3)
@given(data=st.data(), world=histories() | crowds())
def test_who_was_new_grows_older(store: Store, data: st.DataObject, world: World) -> None:
    here = World05(store, world)
    request, today = data.draw(engagements(here.days, here.last))
    request |= {"globalFilters": None, "segments": None}
    for segment_by, split in COHORTS.items():
        by_period = {**request, "dateSplit": split, "segmentBy": segment_by}
        new = here.generic("new", by_period, today)
        cohorts = here.ask("churn_and_engagement", by_period, today)["result"]
        sizes = {first: _reached(ages) for first, ages in cohorts.items()}
        # All are equally old: engaged + lost is the cohort at every age, and an age that is there is reached.
        assert all(set(reached) <= {new[first]} for first, reached in sizes.items())
        assert {first: count for first, count in new.items() if count} == {
            first: reached[0] for first, reached in sizes.items() if reached
        }
        whole = here.ask("churn_and_engagement", {**by_period, "segmentBy": None}, today)["result"]
        reached = _reached(whole)
        of_cohorts = [sum(one[age] for one in sizes.values() if age < len(one)) for age in range(len(reached))]
        assert reached == of_cohorts
        assert reached[:1] == ([sum(new.values())] if any(new.values()) else [])


@tried(3)
@given(data=st.data(), world=histories() | crowds())
def test_the_engaged_never_become_more(store: Store, data: st.DataObject, world: World) -> None:
    """Who is engaged at an age is as old and was engaged before: chapter 05's arithmetic allows nothing else."""
    here = World05(store, world)
    for _ in range(3):
        request, today = data.draw(engagements(here.days, here.last))
        result = here.ask("churn_and_engagement", request, today)["result"]
        for ages in result.values() if request.get("segmentBy") else [result]:
            reached = _reached(ages)
            engaged = [told["engaged"] for told in ages.values()]
            assert 0 not in reached
            assert reached == sorted(reached, reverse=True)
            assert engaged == sorted(engaged, reverse=True)


@tried(4)
@given(data=st.data(), world=histories() | crowds())
def test_filters_and_segments_agree(store: Store, data: st.DataObject, world: World) -> None:
    here = World05(store, world)
    request, today = data.draw(engagements(here.days, here.last))
    request |= {"globalFilters": None, "segmentBy": None, "segments": None}
    whole = here.ask("churn_and_engagement", request, today)["result"]
    for name in data.draw(st.lists(st.sampled_from(PLAIN), min_size=3, max_size=3)):
        form = data.draw(conditions(name))
        segment = {**form, "segmentLabel": "item"}
        by = here.ask("churn_and_engagement", {**request, "segmentBy": name, "segments": [segment]}, today)["result"]
        filtered = here.ask("churn_and_engagement", {**request, "globalFilters": {name: form}}, today)["result"]
        assert by == {"item": filtered}
    name = data.draw(st.sampled_from(PARTITIONS))
    parts = here.ask("churn_and_engagement", {**request, "segmentBy": name}, today)["result"]
    for age, told in whole.items():
        for figure in ("engaged", "lost"):
            assert sum(ages[age][figure] for ages in parts.values() if age in ages) == told[figure]
