"""Every report after an erasure is that of a world without the clients, also while nothing is merged yet."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.reports import REPORTS
from odometer.reports.definition import Context, Report
from tests.conftest import Store, tried
from tests.generic import CUSTOM_TYPES
from tests.properties.test_erasure import without
from tests.worlds import CLIENTS, World, feed, worlds

# All that the worlds hold lies before, and some clients are lost by then.
TODAY = dt.date(2032, 4, 30)
SPAN = {"startDate": "2030-12-01", "stopDate": "2032-04-30"}


# What examples ask for that no random world has is asked for like this.
ASKED: dict[str, Any] = {
    **SPAN,
    "dateSplit": "month",
    "daysUntilDeclaredLost": 7,
    "events": [{"category": "Edit", "name": "Crop"}, {"category": None, "name": "Rotate"}],
    "filter": None,
    "lineCount": 1000,
    "retDailyData": {**SPAN, "properties": ["prodVersion", "C04"]},
}


def answers(store: Store, product: int, report: Report[Any, Any]) -> list[str]:
    """To the report's own example, over all times; and, where it names events, to one that lists them of itself."""
    body = {name: ASKED.get(name, value) for name, value in report.example[0].items()}
    listing = "events" in body and not report.request.model_fields["events"].is_required()
    bodies = [body, {**body, "events": None}] if listing else [body]
    context = Context(
        product, 7, None, TODAY, store.questions, may_use_license_keys=True, custom_types=CUSTOM_TYPES, flags=dict
    )
    return [json.dumps(report.run(report.request.model_validate(one), context)) for one in bodies]


@pytest.mark.usefixtures("unmerged")
@tried(2)
@given(data=st.data(), world=worlds(), erased=st.sets(st.sampled_from(CLIENTS), min_size=1, max_size=2))
def test_every_report_is_that_of_a_world_without_them(
    store: Store, data: st.DataObject, world: World, erased: set[str]
) -> None:
    """Others go on sending afterwards; a new one gets the number that an erased one had."""
    cut = data.draw(st.integers(1, len(world))) if world else 0
    eraser = store.eraser
    product = feed(store, world[:cut])
    with store.writer.paused():
        eraser.erase(product, erased)
    feed(store, without(world[cut:], erased), product=product)
    never = feed(store, without(world, erased))

    for report in REPORTS:
        assert answers(store, product, report) == answers(store, never, report), report.path
    assert eraser.held(product, erased).clients == ()
    assert store.questions.custom_slots_in_use(product) == store.questions.custom_slots_in_use(never)
