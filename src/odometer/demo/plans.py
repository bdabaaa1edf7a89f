"""What is settled when a client is installed: its edition and license, its kind of user, and what will change when."""

from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

from odometer.demo.choice import Weighted, exponential
from odometer.demo.licensing import (
    LEAK_BLOCKED_AT,
    LEAKED_KEY,
    TERM_DAYS,
    TRIAL_DAYS,
    Companies,
    Company,
    new_key,
)
from odometer.demo.machines import Machine, Value, Values
from odometer.demo.places import ENGLISH, product_language
from odometer.demo.product import (
    CHANNELS,
    EDITION_RANK,
    ENTERPRISE,
    FREE,
    INDUSTRIES,
    PRO,
    RELEASES,
    RESELLERS,
    STANDARD,
    THEMES,
)
from odometer.demo.timeline import Timeline


class Habit(NamedTuple):
    """A kind of user.

    Attributes:
        rate: active days in a working day, once settled.
        stay: mean days until it leaves for reasons of its own.
        converts: chance that a trial ends in a purchase.
        curious: a mere look at the product: gone after a few active days.

    """

    rate: float
    stay: float
    converts: float
    curious: bool


_CURIOUS: Final = Habit(0.55, 60, 0.0, curious=True)
_OCCASIONAL: Final = Habit(0.035, 280, 0.14, curious=False)
_REGULAR: Final = Habit(0.18, 480, 0.45, curious=False)
_HEAVY: Final = Habit(0.56, 850, 0.70, curious=False)
_HABITS_FREE: Final = Weighted([(_CURIOUS, 40), (_OCCASIONAL, 38), (_REGULAR, 18), (_HEAVY, 4)])
_HABITS_TRIAL: Final = Weighted([(_CURIOUS, 42), (_OCCASIONAL, 24), (_REGULAR, 25), (_HEAVY, 9)])
_HABITS_PAID: Final = Weighted([(_CURIOUS, 4), (_OCCASIONAL, 28), (_REGULAR, 46), (_HEAVY, 22)])

# Mean days until a new release is installed; None: never.
_UPGRADE_LAGS: Final[Weighted[float | None]] = Weighted([(9.0, 40), (45.0, 34), (130.0, 17), (None, 9)])
_OLD_INSTALLER: Final = 0.12
_MAJOR_DELAY: Final = 2.0

_PLANS: Final = Weighted([("free", 41), ("trial", 35), ("company", 13), ("single", 10), ("leaked", 1)])
_TRIAL_EDITIONS: Final = Weighted([(STANDARD, 40), (PRO, 60)])
_SINGLE_EDITIONS: Final = Weighted([(STANDARD, 65), (PRO, 35)])


@dataclass(slots=True)
class Plan:
    """One client before its first day. Days are numbers of the timeline.

    Attributes:
        installed: its first active day.
        habit: the kind of user.
        rank: rank of the least edition that it ever has: which features it can use.
        values: properties of the first day.
        license: license members of the first day.
        changes: properties that change from a day on, ascending once the plan is made.
        license_changes: the same of license members.
        leaves_after: last day on which it may be active.

    """

    installed: int
    habit: Habit
    rank: int
    values: Values
    license: Values
    changes: list[tuple[int, Values]] = field(default_factory=list)
    license_changes: list[tuple[int, Values]] = field(default_factory=list)
    leaves_after: int = 2**31


def make_plan(machine: Machine, companies: Companies, timeline: Timeline, rng: Random, shared: int | None) -> Plan:
    """Settle a client. `shared` is 0 or 1 for the first or second edition on one machine, None for the usual one."""
    installed = timeline.arrival(machine.arrival)
    if shared == 1:
        installed = min(timeline.last, installed + rng.randrange(5, 60))
    kind = _PLANS.pick(rng.random()) if shared is None else ("free", "trial")[shared]
    company = companies.employer(rng.random()) if kind == "company" else None
    match kind:
        case "free":
            plan = _plan(installed, _HABITS_FREE, FREE, {"licenseType": "freeware"}, rng)
        case "trial":
            plan = _trial(installed, rng)
        case "leaked":
            plan = _leaked(installed, timeline, rng)
        case _:
            plan = _single(installed, rng) if company is None else _employee(installed, company, rng)
    _describe(plan, machine, company, rng)
    lag = _UPGRADE_LAGS.pick(rng.random()) if company is None else company.upgrade_lag
    _add_releases(plan, timeline, lag, rng)
    plan.changes.extend((installed + days, values) for days, values in machine.changes)
    plan.changes.sort(key=_day)
    plan.license_changes.sort(key=_day)
    return plan


def _day(change: tuple[int, Values]) -> int:
    return change[0]


def _plan(installed: int, habits: Weighted[Habit], edition: str, license_facts: Values, rng: Random) -> Plan:
    habit = habits.pick(rng.random())
    return Plan(installed, habit, EDITION_RANK[edition], {"prodEdition": edition}, license_facts)


def _trial(installed: int, rng: Random) -> Plan:
    """A trial: bought before or soon after it ends, continued as the free edition, or left."""
    edition = _TRIAL_EDITIONS.pick(rng.random())
    plan = _plan(installed, _HABITS_TRIAL, edition, {"licenseType": "evaluation"}, rng)
    ends = installed + TRIAL_DAYS
    outcome = rng.random()
    if outcome < plan.habit.converts:
        bought = STANDARD if rng.random() < 0.45 else edition
        day = installed + rng.randrange(6, TRIAL_DAYS + 6)
        plan.license_changes.append((day, _purchase(bought, rng)))
        if bought != edition:
            plan.changes.append((day, {"prodEdition": bought}))
            plan.rank = EDITION_RANK[bought]
        return plan
    remaining = (outcome - plan.habit.converts) / (1 - plan.habit.converts)
    if remaining < 0.18:
        plan.rank = EDITION_RANK[FREE]
        plan.changes.append((ends, {"prodEdition": FREE}))
        plan.license_changes.append((ends, {"licenseType": "freeware"}))
    elif remaining < 0.45:
        plan.license_changes.append((ends, {"expired": True}))
        plan.leaves_after = ends + rng.randrange(1, 12)
    else:
        plan.leaves_after = ends - 1
    return plan


def _purchase(edition: str, rng: Random) -> Values:
    prefix = edition[:3].upper()
    return {"licenseType": "purchased", "key": new_key(prefix, rng), "activated": rng.random() < 0.97}


def _single(installed: int, rng: Random) -> Plan:
    edition = _SINGLE_EDITIONS.pick(rng.random())
    facts = _purchase(edition, rng)
    if rng.random() < 0.06:
        facts["licenseType"] = "nfr"
    plan = _plan(installed, _HABITS_PAID, edition, facts, rng)
    if rng.random() < 0.25:
        ends = installed + TERM_DAYS
        plan.license_changes.append((ends, {"expired": True}))
        plan.leaves_after = ends + rng.randrange(1, 30)
    return plan


def _leaked(installed: int, timeline: Timeline, rng: Random) -> Plan:
    """Someone with the key that went round: blocked from one day on, most then leave."""
    facts: Values = {"licenseType": "purchased", "key": LEAKED_KEY, "activated": True}
    plan = _plan(installed, _HABITS_PAID, PRO, facts, rng)
    blocked = round(timeline.last * LEAK_BLOCKED_AT)
    plan.license_changes.append((blocked, {"blocked": True, "activated": False}))
    if rng.random() < 0.85:
        plan.leaves_after = max(installed, blocked + rng.randrange(0, 15))
    return plan


def _employee(installed: int, company: Company, rng: Random) -> Plan:
    facts: Values = {"licenseType": "purchased", "key": company.key, "activated": True}
    if company.edition == ENTERPRISE:
        facts["allowed"] = True
    plan = _plan(installed, _HABITS_PAID, company.edition, facts, rng)
    if company.expires is not None:
        plan.license_changes.append((company.expires + 1, {"expired": True}))
        plan.leaves_after = max(installed, company.expires + rng.randrange(1, 40))
    return plan


def _describe(plan: Plan, machine: Machine, company: Company | None, rng: Random) -> None:
    """Language, custom properties and all that the machine says about itself."""
    language = product_language(str(machine.values["osLanguage"]))
    custom: dict[str, Value] = {
        "C01": INDUSTRIES.pick(rng.random()),
        "C02": CHANNELS.pick(rng.random()),
        "C03": THEMES.pick(rng.random()),
    }
    if company is not None:
        custom["C05"] = company.site
        if company.reseller is not None:
            custom["C02"], custom["C04"] = "Reseller", company.reseller
    elif custom["C02"] == "Reseller":
        custom["C04"] = RESELLERS.pick(rng.random())
    plan.values.update(prodLanguage=language, **custom, **machine.values)
    if rng.random() < 0.15:
        plan.changes.append((plan.installed + rng.randrange(1, 120), {"C03": "Dark"}))
    if language != ENGLISH and rng.random() < 0.05:
        plan.changes.append((plan.installed + rng.randrange(1, 60), {"prodLanguage": ENGLISH}))


def _add_releases(plan: Plan, timeline: Timeline, lag: float | None, rng: Random) -> None:
    """The release it starts with, and when it takes the later ones; a newer one makes those before it needless."""
    newest = max(place for place, day in enumerate(timeline.releases) if day <= plan.installed)
    if newest and rng.random() < _OLD_INSTALLER:
        newest -= 1
    plan.values.update(_release(newest))
    if lag is None:
        return
    reached = 2**31
    for place in range(len(RELEASES) - 1, newest, -1):
        mean = lag * _MAJOR_DELAY if RELEASES[place].major else lag
        day = max(timeline.releases[place], plan.installed) + 1 + int(exponential(rng.random(), mean))
        if day < reached:
            reached = day
            plan.changes.append((day, _release(place)))


def _release(place: int) -> Values:
    return {"prodVersion": RELEASES[place].version, "prodBuild": RELEASES[place].build}
