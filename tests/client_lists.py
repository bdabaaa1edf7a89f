"""Asking clientPropertyList of the engine, page by page or all at once, and random requests of it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from odometer.reports.client_property_list import REPORT
from odometer.reports.definition import Context
from odometer.selection.client_list import as_object, parse_client_choice
from odometer.store.answers.client_list import ClientQuestion
from tests.conftest import Store
from tests.generic import CUSTOM_TYPES
from tests.oracle.client_list import OLD_FLAGS, PROPERTIES
from tests.oracle.wire import DAILY
from tests.properties.asking import filters

Request = dict[str, Any]
NAMES = (*PROPERTIES, *OLD_FLAGS, "clientId")
DAY_NAMES = (*DAILY, *OLD_FLAGS)


def context_of(
    store: Store, product: int, today: dt.date, *, license_keys: bool = True, oldest: dt.date | None = None
) -> Context:
    """What the server would know of a request."""
    return Context(
        product, 40, oldest, today, store.questions, may_use_license_keys=license_keys, custom_types=CUSTOM_TYPES
    )


def page_by_engine(store: Store, product: int, request: Request, today: dt.date) -> Any:
    """The answer body of the server."""
    return REPORT.run(REPORT.request.model_validate(request), context_of(store, product, today))


def small_pages(store: Store, product: int, request: Request, today: dt.date, size: int) -> list[Request]:
    """All clients, by following the pages; they are smaller than the definitions', so that there are some."""
    question = question_of(store, product, request, today)
    found: list[Request] = []
    start: str | None = ""
    while start is not None:
        rows, start = store.questions.clients.page(question, start, size)
        assert len(rows) == size or start is None
        found += [as_object(row, question.choice) for row in rows]
    return found


def streamed(store: Store, product: int, request: Request, today: dt.date) -> list[Request]:
    """All clients in one stream, as exports read them."""
    question = question_of(store, product, request, today)
    with store.questions.clients.all_clients(question) as (total, chunks):
        found = [as_object(row, question.choice) for chunk in chunks for row in chunk]
    assert total == len(found)
    return found


def question_of(store: Store, product: int, request: Request, today: dt.date) -> ClientQuestion:
    """What a request asks of the store."""
    asked = REPORT.request.model_validate(request)
    daily = asked.daily.asked if asked.daily else None
    language = context_of(store, product, today).language
    choice = parse_client_choice(asked.properties, daily, asked.global_filters, language, None)
    return ClientQuestion(product, choice, today)


@st.composite
def list_requests(
    draw: st.DrawFn, days: Sequence[dt.date], last: dt.date, *, present: bool | None = None
) -> tuple[Request, dt.date]:
    """A request and T; T lies before data only where days after it leave no trace in what is asked."""
    is_present = draw(st.integers(0, 3)) > 0 if present is None else present
    today = draw(st.sampled_from([last, last + dt.timedelta(days=1)] if is_present else days))
    names = st.sampled_from(NAMES if is_present else DAY_NAMES)
    request: Request = {}
    if draw(st.integers(0, 5)):
        everything = [*PROPERTIES] if is_present and draw(st.integers(0, 3)) == 0 else None
        request["properties"] = everything or draw(st.lists(names, max_size=6))
    if draw(st.booleans()):
        start, stop = sorted(draw(st.lists(st.sampled_from(days), min_size=2, max_size=2)))
        request["retDailyData"] = {
            "startDate": str(start),
            "stopDate": str(stop + dt.timedelta(days=draw(st.sampled_from([0, 3])))),
            **draw(st.sampled_from([{}, {"properties": draw(st.lists(st.sampled_from(DAY_NAMES), max_size=4))}])),
        }
    given = draw(filters(days, today, daily=not is_present))
    return request if given is None else {**request, "globalFilters": given}, today
