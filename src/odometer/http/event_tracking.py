"""Event tracking management (chapter 01): which events a product has, and which of them reports list."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.accounts import Permission, Product
from odometer.errors import Problem, invalid
from odometer.http.answers import JsonAnswer
from odometer.http.body import read_json
from odometer.http.guard import Access, require
from odometer.http.ignored import read_request
from odometer.http.lanes import lanes_of
from odometer.http.openapi import Parameter, add_operation, operation
from odometer.http.parts import HttpParts, parts_of
from odometer.model.compatibility import Compatibility, Topic
from odometer.model.events import FLAGS_OF_NEW, EventFlags, EventName, null_last
from odometer.selection.reading import is_null_text

PATH: Final = "/v3/event-tracking/{product_id}"
MAX_CHANGES: Final = 10_000
_EXAMPLE: Final[dict[str, Any]] = {
    "result": [
        {
            "category": "Canvas",
            "categoryEventNames": [
                {"eventName": "Rotate", "basic": True, "advanced": True, "dateFirstSeen": "2031-02-14"}
            ],
        }
    ]
}
_SHOW_EVENTS: Final = Parameter(
    "Which events: all, or those flagged basic, advanced or either.",
    {"type": "string", "enum": ["all", "basic", "advanced", "basic,advanced", "advanced,basic"], "default": "all"},
    "basic,advanced",
)
_CHANGE: Final = {"events": [{"category": "Canvas", "eventName": "Rotate", "basic": True, "advanced": False}]}
_LIST_COMPATIBILITY: Final = Compatibility(
    topic=Topic.METADATA,
    settled=(
        "`result`: an array of `category` and `categoryEventNames`, each event with `eventName`, `basic`, `advanced`, "
        "`dateFirstSeen`. Categories and events by name, those without a category (null) last; empty categories are "
        "left out, inactive events are there."
    ),
    ours="`showEvents`: `all` (default), `basic`, `advanced` or `basic,advanced`.",
)
_CHANGE_COMPATIBILITY: Final = Compatibility(
    topic=Topic.METADATA,
    settled="",
    ours=(
        "Sets the flags of named events; an unknown event is 404 and nothing is changed. Needs the permission "
        "developer."
    ),
)


class ListedEvent(TypedDict):
    """An event: which reports list it, and the day of its first stored occurrence."""

    eventName: str
    basic: bool
    advanced: bool
    dateFirstSeen: str


class EventCategory(TypedDict):
    """The events of a category; null stands for none."""

    category: str | None
    categoryEventNames: list[ListedEvent]


class EventsAnswer(TypedDict):
    """Categories by name, null last."""

    result: list[EventCategory]


class EventChange(BaseModel):
    """What to set for one event; a flag that is absent stays."""

    model_config = ConfigDict(strict=True, extra="ignore")

    category: str | None = None
    name: str = Field(alias="eventName")
    basic: bool | None = None
    advanced: bool | None = None

    @property
    def event(self) -> EventName:
        """The event that is meant."""
        return EventName("" if self.category is None or is_null_text(self.category) else self.category, self.name)


class EventChanges(BaseModel):
    """Events and the flags to set; all or nothing."""

    model_config = ConfigDict(strict=True, extra="ignore")

    events: list[EventChange] = Field(fail_fast=True, min_length=1, max_length=MAX_CHANGES)


class _Listed(NamedTuple):
    event: EventName
    flags: EventFlags
    first_seen: str


def event_tracking_router() -> APIRouter:
    """The routes that list events and set their flags."""
    router = APIRouter()
    add_operation(
        router,
        "GET",
        PATH,
        _list,
        operation(
            name="eventTracking",
            title="Events of a product",
            description="Every event that occurs in what is stored, by category; those without a category come last.",
            tag="Event tracking",
            compatibility=_LIST_COMPATIBILITY,
            query={"showEvents": _SHOW_EVENTS},
            errors=("INVALID_FIELD",),
            answer=EventsAnswer,
            example=(None, _EXAMPLE),
            has_product=True,
        ),
    )
    add_operation(
        router,
        "PATCH",
        PATH,
        _change,
        operation(
            name="changeEventTracking",
            title="Set flags of events",
            description=(
                "Flags decide which events reports list of themselves; everything is stored whatever they say. "
                "advanced implies basic. All or nothing; the answer has the events that were named. "
                "Needs the permission developer."
            ),
            tag="Event tracking",
            compatibility=_CHANGE_COMPATIBILITY,
            body=EventChanges,
            answer=EventsAnswer,
            errors=("NOT_FOUND",),
            example=(_CHANGE, _EXAMPLE),
            has_product=True,
        ),
    )
    return router


async def _list(request: Request, access: Annotated[Access, Depends(require(Permission.REPORTING))]) -> Response:
    wanted = request.query_params.get("showEvents", "all")
    kinds = set(wanted.split(","))
    if wanted != "all" and not kinds <= {"basic", "advanced"}:
        raise invalid("showEvents", "Must be all, basic, advanced or basic,advanced.")
    listed = await lanes_of(request).asking.run(partial(_listed, parts_of(request), access.product))
    shown = [one for one in listed if wanted == "all" or any(getattr(one.flags, kind) for kind in kinds)]
    return _answer(shown)


async def _change(request: Request, access: Annotated[Access, Depends(require(Permission.DEVELOPER))]) -> Response:
    parts = parts_of(request)
    body = await read_json(request)

    def change() -> Response:
        changes = read_request(request, body, EventChanges).events
        known = {one.event: one for one in _listed(parts, access.product)}
        flags = _changed(changes, known)
        parts.registry.event_flags.set(access.product.product_id, flags, actor=access.caller.email)
        return _answer([known[event]._replace(flags=flag) for event, flag in flags.items()])

    return await lanes_of(request).asking.run(change)


def flags_of_events(parts: HttpParts, product: Product) -> dict[EventName, EventFlags]:
    """The flags of every event of the product: those that were set, or those that it got when it was new."""
    received = parts.questions.first_received(product.product_id)
    by_setting = {event: product.flags_of_new(received_ms) for event, received_ms in received.items()}
    return by_setting | parts.registry.event_flags.of_product(product.product_id)


def _listed(parts: HttpParts, product: Product) -> list[_Listed]:
    """Every event that occurs, with its flags."""
    flags = flags_of_events(parts, product)
    first_seen = parts.questions.first_seen(product.product_id)
    # An event may have come between the two questions.
    new = FLAGS_OF_NEW["advanced"]
    return [_Listed(event, flags.get(event, new), str(day)) for event, day in first_seen.items()]


def _changed(changes: list[EventChange], known: dict[EventName, _Listed]) -> dict[EventName, EventFlags]:
    found: dict[EventName, EventFlags] = {}
    for place, change in enumerate(changes):
        event, path = change.event, f"events[{place}]"
        if event not in known:
            called = f"{event.category or '<NULL>'} / {event.name}"
            raise Problem("NOT_FOUND", f"There is no event {called[:300]!r}.", field=path)
        if event in found:
            raise invalid(path, "This event is named twice.")
        if change.basic is False and change.advanced:
            raise invalid(f"{path}.basic", "advanced implies basic.")
        old = known[event].flags
        advanced = change.advanced if change.advanced is not None else old.advanced and change.basic is not False
        basic = advanced or (change.basic if change.basic is not None else old.basic)
        found[event] = EventFlags(basic=basic, advanced=advanced)
    return found


def _answer(listed: Iterable[_Listed]) -> Response:
    categories: dict[str, list[ListedEvent]] = {}
    for one in sorted(listed, key=lambda one: null_last(one.event)):
        categories.setdefault(one.event.category, []).append(
            {
                "eventName": one.event.name,
                "basic": one.flags.basic,
                "advanced": one.flags.advanced,
                "dateFirstSeen": one.first_seen,
            }
        )
    answer: EventsAnswer = {
        "result": [{"category": name or None, "categoryEventNames": events} for name, events in categories.items()]
    }
    return JsonAnswer(answer)
