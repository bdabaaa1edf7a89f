"""The oracle of lines (chapter 08): custom events and exceptions with their client's values of that day."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from tests.oracle import wire
from tests.oracle.history import facts_that_count
from tests.oracle.wire import FLAGS, Received, Value

OF_CLIENT = (
    *("prodEdition", "prodVersion", "prodBuild", "prodLanguage", "licenseType"),
    *("licenseStatus.allowed", "licenseStatus.blocked", "licenseStatus.activated", "licenseStatus.expired"),
    *("os.version", "osWordLength", "osLanguage", "cpuType", "cpuCores", "ram", "displayCount", "resolution"),
    *("dotNetVersion", "gpu.model", "formFactor", "geography.country", "geography.usState"),
)
Row = dict[str, str]


def lines(received: Iterable[Received], kind: str) -> list[Row]:
    """All lines of a kind, oldest first."""
    found = []
    for client, facts in facts_that_count(received).items():
        values: dict[str, Value] = {}
        of_day: dict[dt.date, dict[str, Value]] = {}
        for fact in sorted(facts, key=lambda fact: (fact.day, fact.order)):
            values.update(wire.properties_set(fact.record))
            of_day[fact.day] = dict(values)
        for fact in facts:
            if fact.type == kind:
                row = {"timestamp": moment(fact.used_ms), "clientId": client}
                row |= {name: shown(name, of_day[fact.day]) for name in OF_CLIENT}
                # Those without seq come first, by a hash that is the store's own matter.
                found.append(((fact.used_ms, client, fact.seq), row | said(fact.record)))
    return [row for _, row in sorted(found, key=lambda one: one[0])]


def moment(used_ms: int) -> str:
    """RFC 3339 text."""
    at = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=used_ms)  # noqa: DTZ001 - printed with Z
    return f"{at.isoformat(timespec='milliseconds')}Z"


def shown(name: str, values: dict[str, Value]) -> str:
    """A value as text."""
    if name == "resolution":
        both = [shown(one, values) for one in ("resolutionWidth", "resolutionHeight")]
        return "x".join(both) if all(both) else ""
    value = values.get(name)
    if name in FLAGS:
        return "Y" if value else "N"
    return wire.shortest(value) if isinstance(value, Decimal) else str(value or "")


def said(record: wire.Record) -> Row:
    """The columns of the event or exception itself."""
    if record["type"] == "exception":
        return {f"exception.{name}": record[name] for name in ("className", "methodName", "message", "stackTrace")}
    pairs = [f"{escaped(key)}={escaped(value)}" for key, value in record["data"]]
    category, name = wire.name_of(record.get("category")), wire.name_of(record["name"])
    return {"event.category": category, "event.name": name, "event.data": "|".join(pairs)}


def escaped(text: str) -> str:
    """What joins pairs is told from what stands in them."""
    return "".join(f"\\{sign}" if sign in "\\|=" else sign for sign in text)
