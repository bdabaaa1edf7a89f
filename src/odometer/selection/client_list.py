"""What a client list is asked for (chapter 06): properties under the names asked for, daily data, filters."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from typing_extensions import TypedDict

from odometer.errors import invalid
from odometer.model.calendar import DateRange, parse_range
from odometer.model.clients import ClientRow, Delivery, EventCount, Value
from odometer.model.properties import CATALOGUE, CUSTOM_SLOTS, Property
from odometer.selection.filters import parse_filters
from odometer.selection.predicate import EVERYBODY, Predicate
from odometer.selection.reading import NULL_LABEL, Language, named_property
from odometer.selection.wire_filters import GlobalFilters

CLIENT_ID: Final = "clientId"
_FAMILIES: Final = frozenset(prop.name.partition(".")[0] for prop in CATALOGUE if "." in prop.name)


class EventCountObject(TypedDict):
    """How often a client caused an event in its life; a null category is none."""

    eventCategory: str | None
    eventName: str
    eventCount: int


class DeliveryObject(TypedDict):
    """A campaign that was shown to a client."""

    reachoutId: int
    name: str | None


Scalar = str | bool | int | float | None
# A value as lists show it; daily data are objects by property.
JsonValue = Scalar | list[EventCountObject] | list[DeliveryObject] | list[dict[str, Scalar]]
# A client as lists show it: clientId, then what was asked for under the names asked for.
ClientObject = dict[str, JsonValue]


class Asked(NamedTuple):
    """A property under the name it is answered with: an old name of a license flag stays as it was written."""

    name: str
    prop: Property


@dataclass(frozen=True, slots=True)
class DailyChoice:
    """The days of a range, and which of their values."""

    range: DateRange
    columns: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class ClientChoice:
    """Which clients, and what of them; clientId comes first without being among the columns."""

    columns: tuple[Asked, ...] = ()
    daily: DailyChoice | None = None
    filters: Predicate = EVERYBODY


class DailyAsked(NamedTuple):
    """The members of `retDailyData` as they were sent."""

    start: str
    stop: str
    properties: Sequence[str] | None


def parse_client_choice(
    properties: Sequence[str] | None,
    daily: DailyAsked | None,
    filters: GlobalFilters | None,
    language: Language,
    oldest: dt.date | None,
) -> ClientChoice:
    """What the members of a request ask for; absent properties are none. Raises `Problem` naming the member."""
    return ClientChoice(
        columns=_parse_columns(properties or (), "properties", language),
        daily=None if daily is None else _parse_daily(daily, language, oldest),
        filters=parse_filters(filters, language),
    )


def _parse_columns(names: Sequence[str], path: str, language: Language, *, by_day: bool = False) -> tuple[Asked, ...]:
    """Each name once, in the order of their first mention; `by_day`: only what is kept for every day."""
    found: dict[str, Asked] = {}
    for place, name in enumerate(names):
        at = f"{path}[{place}]"
        _refuse_bare(name, at)
        prop = named_property(name, at, language)
        if by_day and not prop.daily:
            raise invalid(at, f"{name} is not kept by day, only its last value is.")
        if prop.name != CLIENT_ID:
            found[name] = Asked(name, prop)
    return tuple(found.values())


def _refuse_bare(name: str, path: str) -> None:
    if name in _FAMILIES:
        below = [prop.name for prop in CATALOGUE if prop.name.startswith(f"{name}.")]
        raise invalid(path, f"{name} has no value of its own; ask for {' or '.join(below)}.")


def _parse_daily(daily: DailyAsked, language: Language, oldest: dt.date | None) -> DailyChoice:
    path = "retDailyData"
    asked = parse_range(daily.start, daily.stop, today=language.today, oldest=oldest, within=path)
    return DailyChoice(asked, _parse_columns(daily.properties or (), f"{path}.properties", language, by_day=True))


def all_properties(custom_slots: Iterable[str], *, may_use_license_keys: bool) -> list[str]:
    """The names of everything a caller may see of a client; of custom properties those named, which are in use."""
    shown = frozenset(custom_slots)
    return [
        prop.name
        for prop in CATALOGUE
        if prop.name != CLIENT_ID
        and (may_use_license_keys or prop.name != "licenseKey")
        and (prop.name in shown or prop.name not in CUSTOM_SLOTS)
    ]


def as_object(row: ClientRow, choice: ClientChoice) -> ClientObject:
    """One client as JSON: clientId, the columns in their order, dailyData if asked for, and never another key."""
    found: ClientObject = {CLIENT_ID: row.client}
    for (name, prop), value in zip(choice.columns, row.values, strict=True):
        found[name] = as_json(prop, value)
    if choice.daily is not None:
        columns = choice.daily.columns
        days = [
            {
                "date": day.day.isoformat(),
                **{name: as_json(prop, value) for (name, prop), value in zip(columns, day.values, strict=True)},
            }
            for day in row.days
        ]
        found["dailyData"] = cast("list[dict[str, Scalar]]", days)  # what is kept by day is no list
    return found


def as_json(prop: Property, value: Value) -> JsonValue:
    """A value as lists show it: null text as `<NULL>`, numbers and booleans as they are."""
    if value is None:
        return NULL_LABEL if prop.data_type == "string" else None
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return cast("list[EventCountObject] | list[DeliveryObject]", [_member(one) for one in value])
    return value


def _member(one: EventCount | Delivery) -> EventCountObject | DeliveryObject:
    if isinstance(one, Delivery):
        return {"reachoutId": one.campaign_id, "name": one.name}
    return {"eventCategory": one.category or None, "eventName": one.name, "eventCount": one.times}
