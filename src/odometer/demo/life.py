"""The life of one client, day by day: what it is used for, what goes wrong, when it is left."""

import math
from bisect import bisect_right
from random import Random
from typing import Any, Final

import orjson

from odometer.demo.choice import exponential
from odometer.demo.machines import Values
from odometer.demo.plans import Plan
from odometer.demo.product import (
    BUGGY_VERSION,
    CRASHES,
    EXPORT_FORMATS,
    FEATURES,
    RENDER_CRASH,
    RENDER_CRASH_VENDOR,
    STICKY_FEATURES,
    Crash,
)
from odometer.demo.timeline import Timeline

_OPT_OUT: Final = 0.006
_NEVER_LOOKS: Final = 0.25
_PICKS_AT_FIRST: Final = 2.0
_PICKS_LEARNED: Final = 3.2
_LEARNED_DAYS: Final = 25
_MAX_PICKS: Final = 12
_CRASH_CHANCE: Final = 0.012
_RENDER_CRASH_CHANCE: Final = {True: 0.5, False: 0.16}
_CUSTOM_CHANCE: Final = 0.012
_BUGGY_LOSSES: Final = 4.0
_STICKY: Final = 0.6
_UNATTACHED: Final = 1.4

_WORKING_HOURS: Final = (7 * 3600, 20 * 3600)
_LICENSE_SECOND: Final = 6 * 3600
_LAST_SECOND: Final = 86_399


class Repertoire:
    """The features that a user knows; grows with every active day, and some are never found."""

    __slots__ = ("_cumulative", "_places", "_unknown", "sticky")

    def __init__(self, rank: int, rng: Random) -> None:
        explores = 0.3 + 1.4 * rng.random()
        random = rng.random
        self.sticky = 0
        self._places: list[int] = []
        self._cumulative: list[float] = []
        # (active days until found, place in FEATURES), the soonest last.
        self._unknown: list[tuple[float, int]] = []
        for place, feature in enumerate(FEATURES):
            if feature.rank <= rank and (not feature.depth or random() > _NEVER_LOOKS):
                self._unknown.append((feature.depth * exponential(random(), 1.0) / explores, place))
        self._unknown.sort(reverse=True)

    def learn(self, active_days: int, rng: Random) -> None:
        """Take up the features that a user has found after so many active days."""
        unknown = self._unknown
        while unknown and unknown[-1][0] < active_days:
            _, place = unknown.pop()
            feature = FEATURES[place]
            self.sticky += feature.name in STICKY_FEATURES
            total = self._cumulative[-1] if self._cumulative else 0.0
            self._places.append(place)
            self._cumulative.append(total + feature.popularity * (0.35 + 1.3 * rng.random()))

    def pick(self, uniform: float) -> int:
        """A known feature (its place in FEATURES); popular ones and favourites come up more often."""
        place = bisect_right(self._cumulative, uniform * self._cumulative[-1])
        return self._places[min(place, len(self._places) - 1)]


class Life:
    """Writes the import lines of one client."""

    __slots__ = ("_lines", "_plan", "_repertoire", "_rng", "_timeline", "client_id", "machine_id")

    def __init__(self, client_id: str, machine_id: str, plan: Plan, timeline: Timeline, rng: Random) -> None:
        self.client_id = client_id
        self.machine_id = machine_id
        self._plan = plan
        self._timeline = timeline
        self._rng = rng
        self._repertoire = Repertoire(plan.rank, rng)
        self._lines: list[bytes] = []

    def lines(self) -> list[bytes]:
        """All lines of the client, by day."""
        plan, random = self._plan, self._rng.random
        opts_out = random() < _OPT_OUT
        most_days = 1 + int(exponential(random(), 1.6)) if plan.habit.curious else 2**31
        if opts_out:
            most_days = min(most_days, 2 + int(exponential(random(), 12)))
        end = min(plan.leaves_after, self._timeline.last)
        day, active_days, version = plan.installed, 0, ""
        while True:
            active_days += 1
            version = self._day(day, active_days, version)
            following = self._next_day(day)
            if following > end or active_days >= most_days or self._leaves(following - day, version):
                break
            day = following
        if opts_out:
            self._write({"type": "opt_out", "at": self._timeline.moment(day, _LAST_SECOND)})
        return self._lines

    def _next_day(self, day: int) -> int:
        """The next active day; the first weeks are the busiest."""
        tenure = day - self._plan.installed
        rate = self._plan.habit.rate * (1 + 2 * math.exp(-tenure / 12))
        return self._timeline.next_busy(day, exponential(self._rng.random(), 1 / rate))

    def _leaves(self, gap: int, version: str) -> bool:
        """Whether it was left for good instead of coming back after `gap` days."""
        hazard = gap / self._plan.habit.stay * _UNATTACHED * _STICKY**self._repertoire.sticky
        if version == BUGGY_VERSION:
            hazard *= _BUGGY_LOSSES
        return self._rng.random() < 1 - math.exp(-hazard)

    def _day(self, day: int, active_days: int, version: str) -> str:
        """Write one active day; returns the version that ran at its end."""
        plan, random, date = self._plan, self._rng.random, self._timeline.days[day]
        first = active_days == 1
        changed = _due(plan.changes, day, plan.values if first else {})
        sessions = 1 + int(exponential(random(), 0.7))
        line: dict[str, Any] = {"type": "client_day", "day": date, "sessions": sessions}
        line["runtimeSeconds"] = sessions * 120 + int(exponential(random(), 2400 * sessions))
        if first:
            line["machineId"] = self.machine_id
        if changed:
            line["set"] = changed
            version = str(changed.get("prodVersion", version))
        self._write(line)
        facts = _due(plan.license_changes, day, plan.license if first else {})
        if facts:
            self._write({"type": "license", "at": self._timeline.moment(day, _LICENSE_SECOND), **facts})
        self._events(date, active_days)
        self._incidents(day, version)
        return version

    def _events(self, date: str, active_days: int) -> None:
        repertoire, random = self._repertoire, self._rng.random
        repertoire.learn(active_days, self._rng)
        skill = min(1.0, active_days / _LEARNED_DAYS)
        picks = int(exponential(random(), _PICKS_AT_FIRST + _PICKS_LEARNED * skill) + 0.85)
        used: dict[int, int] = {}
        for _ in range(min(picks, _MAX_PICKS)):
            place = repertoire.pick(random())
            uses = 1 + int(exponential(random(), FEATURES[place].intensity * (0.6 + 0.8 * skill)))
            used[place] = used.get(place, 0) + uses
        for place, count in used.items():
            feature = FEATURES[place]
            line: dict[str, Any] = {"type": "event_day", "day": date, "name": feature.name, "count": count}
            if feature.category is not None:
                line["category"] = feature.category
            if feature.value is not None:
                line["value"] = round(count * feature.value * (0.6 + 0.8 * random()), 2)
            self._write(line)

    def _incidents(self, day: int, version: str) -> None:
        """Exceptions and custom events of a day."""
        random = self._rng.random
        if random() < _CUSTOM_CHANCE:
            size = f"{exponential(random(), 6.0) + 0.1:.1f}"
            data = [["format", EXPORT_FORMATS.pick(random())], ["megabytes", size]]
            at = self._moment(day)
            self._write({"type": "custom_event", "at": at, "category": "File", "name": "Export Finished", "data": data})
        if random() < _CRASH_CHANCE:
            self._crash(day, CRASHES.pick(random()))
        if version == BUGGY_VERSION:
            is_target = self._plan.values.get("gpu.vendor") == RENDER_CRASH_VENDOR
            if random() < _RENDER_CRASH_CHANCE[is_target]:
                self._crash(day, RENDER_CRASH)

    def _crash(self, day: int, crash: Crash) -> None:
        self._write(
            {
                "type": "exception",
                "at": self._moment(day),
                "className": crash.class_name,
                "methodName": crash.method_name,
                "message": crash.message,
                "stackTrace": crash.stack_trace,
            }
        )

    def _moment(self, day: int) -> str:
        opens, closes = _WORKING_HOURS
        return self._timeline.moment(day, opens + int((closes - opens) * self._rng.random()))

    def _write(self, members: dict[str, Any]) -> None:
        members["clientId"] = self.client_id
        self._lines.append(orjson.dumps(members))


def _due(changes: list[tuple[int, Values]], day: int, values: Values) -> Values:
    """`values` with every change that has come due; those are taken off the list."""
    taken = 0
    while taken < len(changes) and changes[taken][0] <= day:
        values = {**values, **changes[taken][1]}
        taken += 1
    del changes[:taken]
    return values
