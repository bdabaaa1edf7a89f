"""The oracle of the exceptions report (chapter 08)."""

import datetime as dt
from collections.abc import Iterable

from tests.oracle.history import facts_that_count, lives
from tests.oracle.selection import Given, passes
from tests.oracle.wire import Received


def exceptions(received: Iterable[Received], request: Given, today: dt.date) -> list[Given]:
    """One object for each class and method that clients met in the range, most frequent first."""
    records = list(received)
    first, last = (dt.date.fromisoformat(request[name]) for name in ("startDate", "stopDate"))
    facts = facts_that_count(records)
    met: dict[tuple[str, str], list[tuple[str, dt.date, str]]] = {}
    for client, life in lives(records).items():
        inside = [day for day in life.days if first <= day <= min(last, today)]
        # The last day in the range tells who the client is (chapter 02, The bucket rule).
        if not inside or not passes(life, max(inside), request.get("globalFilters"), today):
            continue
        for fact in facts[client]:
            if fact.type == "exception" and fact.day in inside:
                kind = (fact.record["className"], fact.record["methodName"])
                version = life.days[fact.day].values["prodVersion"]
                met.setdefault(kind, []).append((client, fact.day, "<NULL>" if version is None else str(version)))
    return [
        {
            "className": kind[0],
            "methodName": kind[1],
            "occurrences": len(each),
            "clients": len({client for client, _, _ in each}),
            "firstSeen": str(min(day for _, day, _ in each)),
            "lastSeen": str(max(day for _, day, _ in each)),
            "versions": sorted({version for _, _, version in each}),
        }
        for kind, each in sorted(met.items(), key=lambda one: (-len(one[1]), one[0]))
    ]
