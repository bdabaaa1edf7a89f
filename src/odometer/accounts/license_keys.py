"""License keys in the registry: search, update all or nothing, delete, and every change of them (chapter 07)."""

import datetime as dt
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from odometer.accounts.database import Database
from odometer.accounts.tables import LICENSE_KEY_CHANGES, LICENSE_KEYS, PRODUCTS
from odometer.model.licenses import (
    Action,
    DaySpan,
    KeyFilters,
    KeyUpdate,
    LicenseChange,
    LicenseKey,
    NoDay,
    Span,
    UpdateCounts,
)

_KEYS: Final = LICENSE_KEYS.c
_CHANGES: Final = LICENSE_KEY_CHANGES.c
_VALUES: Final = tuple(field.name for field in fields(LicenseKey) if field.name != "key")
# Databases bound the parameters of one statement.
_KEYS_AT_ONCE: Final = 10_000


class LicenseKeys:
    """The license keys of all products; safe to use from many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, product_id: int, filters: KeyFilters, today: dt.date, start: str | None, limit: int
    ) -> list[LicenseKey]:
        """The keys from `start` on in byte order that pass what the registry can tell of the filters.

        It does not look at `pattern`, `installs` and `over_quota`.
        """
        found = _passing(select(LICENSE_KEYS), product_id, filters, today, start).limit(limit)
        with self._database.reading() as connection:
            return [_license_key(row) for row in connection.execute(found)]

    def quotas(
        self, product_id: int, filters: KeyFilters, today: dt.date, start: str | None, limit: int
    ) -> list[tuple[str, int]]:
        """As `page`, but only the keys and their quotas."""
        columns = select(_KEYS.license_key, _KEYS.install_quota)
        found = _passing(columns, product_id, filters, today, start).limit(limit)
        with self._database.reading() as connection:
            return [(key, quota) for key, quota in connection.execute(found)]

    def get(self, product_id: int, keys: Iterable[str]) -> dict[str, LicenseKey]:
        """Those of the keys that there are."""
        with self._database.reading() as connection:
            return _held(connection, product_id, keys)

    def update(self, product_id: int, updates: Sequence[KeyUpdate], *, actor: str) -> UpdateCounts:
        """Insert unknown keys and change known ones, all or nothing; each change is kept, the whole is audited.

        No key may be named twice. Concurrent calls end as if one had followed the other.
        """
        today = self._database.clock.today()
        with self._database.writing() as connection:
            _take_turn(connection, product_id)
            held = _held(connection, product_id, [one.key for one in updates])
            new = [LicenseKey(key=one.key, added=today, **one.values) for one in updates if one.key not in held]
            changed = [replace(held[one.key], **one.values) for one in updates if one.key in held]
            changed = [key for key in changed if key != held[key.key]]
            self._insert(connection, product_id, new, Action.INSERTED, actor)
            _overwrite(connection, product_id, changed)
            self._note(connection, product_id, changed, Action.UPDATED, actor)
            counts = UpdateCounts(len(new), len(changed), len(updates) - len(new) - len(changed))
            if new or changed:
                detail = {"inserted": counts.inserted, "updated": counts.updated}
                self._database.audit(connection, actor, "license.update", product_id, detail)
        return counts

    def delete(self, product_id: int, keys: Collection[str], *, actor: str) -> int:
        """Delete keys; unknown ones are passed over. Returns how many there were."""
        with self._database.writing() as connection:
            _take_turn(connection, product_id)
            held = _held(connection, product_id, keys)
            for some in _chunks(held):
                connection.execute(
                    delete(LICENSE_KEYS).where(_KEYS.product_id == product_id, _KEYS.license_key.in_(some))
                )
            self._note(connection, product_id, held.values(), Action.DELETED, actor)
            if held:
                self._database.audit(connection, actor, "license.delete", product_id, {"deleted": len(held)})
        return len(held)

    def collect(self, product_id: int, found: Iterable[LicenseKey], *, actor: str = "collected") -> int:
        """Add keys first seen from clients; running it again adds none. Returns how many were added or moved.

        A key that was ever in the registry is not added anew. One that was collected moves to an earlier day when
        late data names it, or becomes what that data says of its day; where nobody has edited it since, it holds that
        type and those flags.
        """
        seen = {key.key: key for key in found}
        with self._database.writing() as connection:
            _take_turn(connection, product_id)
            held = _held(connection, product_id, seen)
            counts = _change_counts(connection, product_id, seen)
            collected = _collected(connection, product_id, held)
            new = [key for name, key in seen.items() if name not in counts]
            earlier = [
                key
                for name, key in seen.items()
                if name in collected and key.added <= held[name].added and key != collected[name]
            ]
            self._insert(connection, product_id, new, Action.COLLECTED, actor)
            for some in _chunks([key.key for key in earlier]):
                # Its day or what it says is wrong now; the new one follows.
                connection.execute(
                    delete(LICENSE_KEY_CHANGES).where(
                        _CHANGES.product_id == product_id,
                        _CHANGES.license_key.in_(some),
                        _CHANGES.action == Action.COLLECTED,
                    )
                )
            self._note(connection, product_id, earlier, Action.COLLECTED, actor)
            untouched = [key for key in earlier if counts[key.key] == 1]
            edited = [replace(held[key.key], added=key.added) for key in earlier if counts[key.key] > 1]
            _overwrite(connection, product_id, [*untouched, *edited])
            if new:
                self._database.audit(connection, actor, "license.collect", product_id, {"inserted": len(new)})
        return len(new) + len(earlier)

    def uncollected(self, product_id: int, first_days: Mapping[str, dt.date]) -> list[str]:
        """Of keys that clients named first on these days, those that `collect` would add or move."""
        found = []
        with self._database.reading() as connection:
            for some in _chunks(first_days):
                wanted = (_KEYS.product_id == product_id, _KEYS.license_key.in_(some))
                columns = (_KEYS.license_key, _KEYS.added, _KEYS.auto_collected)
                held = {row.license_key: row for row in connection.execute(select(*columns).where(*wanted))}
                ever = _change_counts(connection, product_id, some)
                found += [key for key in some if key not in ever]
                found += [key for key, row in held.items() if row.auto_collected and first_days[key] < row.added]
        return found

    def collected(self, product_id: int, keys: Iterable[str]) -> dict[str, LicenseKey]:
        """What was reported of those keys that were collected, whatever was changed since."""
        with self._database.reading() as connection:
            return _collected(connection, product_id, keys)

    def newest_change(self, product_id: int) -> int:
        """The greatest change_id of the product; 0 without any."""
        newest = select(func.max(_CHANGES.change_id)).where(_CHANGES.product_id == product_id)
        with self._database.reading() as connection:
            return connection.execute(newest).scalar_one() or 0

    def changed_since(self, product_id: int, change_id: int) -> list[str]:
        """The keys with a later change, in byte order."""
        wanted = (_CHANGES.product_id == product_id, _CHANGES.change_id > change_id)
        keys = select(_CHANGES.license_key).where(*wanted).distinct().order_by(_CHANGES.license_key)
        with self._database.reading() as connection:
            return list(connection.execute(keys).scalars())

    def changes(self, product_id: int, keys: Iterable[str]) -> dict[str, list[LicenseChange]]:
        """Every change of these keys by key, in the order in which they hold."""
        found: dict[str, list[LicenseChange]] = {}
        with self._database.reading() as connection:
            for some in _chunks(keys):
                wanted = (_CHANGES.product_id == product_id, _CHANGES.license_key.in_(some))
                order = (_CHANGES.day, _CHANGES.change_id)
                for row in connection.execute(select(LICENSE_KEY_CHANGES).where(*wanted).order_by(*order)):
                    found.setdefault(row.license_key, []).append(_change(row))
        return found

    def _insert(
        self, connection: Connection, product_id: int, keys: Sequence[LicenseKey], action: Action, actor: str
    ) -> None:
        if keys:
            connection.execute(insert(LICENSE_KEYS), [_row(product_id, key) for key in keys])
            self._note(connection, product_id, keys, action, actor)

    def _note(
        self, connection: Connection, product_id: int, keys: Collection[LicenseKey], action: Action, actor: str
    ) -> None:
        """Keep what the keys are from now on, or from the day on which they were first seen."""
        clock = self._database.clock
        shared = {"at_ms": clock.now_ms(), "actor": actor, "action": action}
        rows = [
            {**_row(product_id, key), **shared, "day": key.added if action == Action.COLLECTED else clock.today()}
            for key in keys
        ]
        if rows:
            connection.execute(insert(LICENSE_KEY_CHANGES), rows)


def _take_turn(connection: Connection, product_id: int) -> None:
    """Wait until no other transaction changes keys of the product (SQLite has one writer at a time anyway)."""
    connection.execute(select(PRODUCTS.c.product_id).where(PRODUCTS.c.product_id == product_id).with_for_update())


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    left = iter(keys)
    while some := list(islice(left, _KEYS_AT_ONCE)):
        yield some


def _held(connection: Connection, product_id: int, keys: Iterable[str]) -> dict[str, LicenseKey]:
    """Those of the keys that the registry holds."""
    found: dict[str, LicenseKey] = {}
    for some in _chunks(keys):
        wanted = select(LICENSE_KEYS).where(_KEYS.product_id == product_id, _KEYS.license_key.in_(some))
        found |= {row.license_key: _license_key(row) for row in connection.execute(wanted)}
    return found


def _change_counts(connection: Connection, product_id: int, keys: Iterable[str]) -> dict[str, int]:
    """How many changes each of the keys has had; those that never were in the registry are missing."""
    found: dict[str, int] = {}
    for some in _chunks(keys):
        wanted = (_CHANGES.product_id == product_id, _CHANGES.license_key.in_(some))
        counts = select(_CHANGES.license_key, func.count()).where(*wanted).group_by(_CHANGES.license_key)
        found |= {row[0]: row[1] for row in connection.execute(counts)}
    return found


def _collected(connection: Connection, product_id: int, keys: Iterable[str]) -> dict[str, LicenseKey]:
    """The keys as they were collected, where they were."""
    found: dict[str, LicenseKey] = {}
    for some in _chunks(keys):
        wanted = (_CHANGES.product_id == product_id, _CHANGES.license_key.in_(some))
        made = select(LICENSE_KEY_CHANGES).where(*wanted, _CHANGES.action == Action.COLLECTED)
        found |= {row.license_key: _change(row).after for row in connection.execute(made)}
    return found


def _overwrite(connection: Connection, product_id: int, keys: Collection[LicenseKey]) -> None:
    if not keys:
        return
    one = and_(_KEYS.product_id == bindparam("of_product"), _KEYS.license_key == bindparam("of_key"))
    changes = update(LICENSE_KEYS).where(one).values({name: bindparam(name) for name in _VALUES})
    values = [{name: getattr(key, name) for name in _VALUES} for key in keys]
    connection.execute(
        changes, [{**row, "of_product": product_id, "of_key": key.key} for row, key in zip(values, keys, strict=True)]
    )


def _row(product_id: int, key: LicenseKey) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "license_key": key.key,
        **{name: getattr(key, name) for name in _VALUES},
    }


def _license_key(row: Row[Any]) -> LicenseKey:
    values = row._mapping
    return LicenseKey(key=values["license_key"], **{name: values[name] for name in _VALUES})


def _change(row: Row[Any]) -> LicenseChange:
    return LicenseChange(row.change_id, row.day, row.at_ms, row.actor, Action(row.action), _license_key(row))


def _passing(
    columns: Select[Any], product_id: int, filters: KeyFilters, today: dt.date, start: str | None
) -> Select[Any]:
    found = columns.where(_KEYS.product_id == product_id, *_conditions(filters, today)).order_by(_KEYS.license_key)
    return found if start is None else found.where(_KEYS.license_key >= start)


def _conditions(filters: KeyFilters, today: dt.date) -> Iterator[ColumnElement[bool]]:
    if filters.keys is not None:
        yield _KEYS.license_key.in_(filters.keys)
    if filters.types is not None:
        yield _KEYS.license_type.in_(filters.types)
    if filters.statuses is not None:
        yield or_(*(and_(*(_flag(name, value, today) for name, value in one.items())) for one in filters.statuses))
    if filters.added is not None:
        yield from _between_days(_KEYS.added, filters.added)
    if isinstance(filters.expiry, NoDay):
        yield _KEYS.expiry.is_(None)
    elif filters.expiry is not None:
        yield _KEYS.expiry.is_not(None)
        yield from _between_days(_KEYS.expiry, filters.expiry)
    if filters.auto_collected is not None:
        yield _KEYS.auto_collected.is_(filters.auto_collected)
    if filters.quota is not None:
        yield from _between(_KEYS.install_quota, filters.quota)


def _flag(name: str, value: bool, today: dt.date) -> ColumnElement[bool]:  # noqa: FBT001 - the flag's own value
    flag: ColumnElement[bool] = _KEYS[name]
    if name == "expired":
        flag = or_(flag, func.coalesce(_KEYS.expiry < today, false()))
    return flag if value else ~flag


def _between_days(column: ColumnElement[Any], span: DaySpan) -> Iterator[ColumnElement[bool]]:
    if span.first is not None:
        yield column >= span.first
    if span.last is not None:
        yield column <= span.last


def _between(column: ColumnElement[Any], span: Span) -> Iterator[ColumnElement[bool]]:
    """Of a column of whole numbers."""
    if span.low is not None:
        yield column >= math.ceil(span.low)
    if span.high is not None:
        yield column <= math.floor(span.high)
