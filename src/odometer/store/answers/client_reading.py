"""Reading client lists: pages that touch only their clients, and all clients as one stream of one state."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

from odometer.model.clients import ActiveDay, ClientRow, Delivery, EventCount, Value
from odometer.model.events import EventName, null_first
from odometer.model.properties import DELIVERIES, Property
from odometer.store.answers.client_list import (
    EVERY_CLIENT,
    THESE_CLIENTS,
    USAGE,
    ClientQuestion,
    ClientSql,
    key_at,
)
from odometer.store.engine import Columns, Engine
from odometer.store.gate import Gate

Read = Callable[[str], Iterable[Columns]]
# Clients that are looked at for a filtered page: more and more, until enough have passed.
_FIRST_LOOK: Final = 1_000
_LOOK_GROWTH: Final = 10
_CHUNK: Final = 2_048
# In the order of the key, with small buffers: memory stays the same at any size (measured: docs/decisions/0007).
_STREAMING: Final[Mapping[str, Any]] = {
    "max_threads": 1,
    "max_block_size": _CHUNK,
    "max_read_buffer_size": 128 * 1024,
    "max_read_buffer_size_local_fs": 128 * 1024,
    "optimize_read_in_order": 1,
    "read_in_order_use_buffering": 0,
}
# So few rows are sorted sooner than the parts of a table are lined up.
_PAGING: Final[Mapping[str, Any]] = {"optimize_read_in_order": 0}
_COUNTING: Final[Mapping[str, Any]] = {"join_algorithm": "full_sorting_merge"}


class ClientReading:
    """Client lists of one store. Blocking; call it from worker threads."""

    def __init__(self, engine: Engine, gate: Gate, timeout_s: float) -> None:
        self._engine = engine
        self._gate = gate
        self._timeout_s = timeout_s

    def page(self, question: ClientQuestion, start: str, size: int) -> tuple[list[ClientRow], str | None]:
        """The first clients from the id `start` on, and the id that the next page begins with; None at the end."""
        sql = ClientSql(question)
        with self._gate.reading():
            keys = self._keys(sql, start, size + 1)
            rows = list(_merged(sql, question, self._reading(sql, keys[:size]), THESE_CLIENTS)) if keys else []
        return rows, keys[size] if len(keys) > size else None

    def _reading(self, sql: ClientSql, keys: Sequence[str]) -> Read:
        def read(statement: str) -> Iterator[Columns]:
            params = {**sql.bound.params, "clients": list(keys)}
            found = self._engine.columns(statement, params, timeout_s=self._timeout_s, settings=_PAGING)
            return iter([found] if found else [])

        return read

    def _keys(self, sql: ClientSql, low: str, count: int) -> list[str]:
        """The first ids from `low` on that pass the filters."""
        if not sql.is_filtered:
            return self._first(sql.keys(count, up_to=False), sql, low=low)
        statement = sql.keys(count, up_to=True)
        found: list[str] = []
        look = _FIRST_LOOK
        while True:
            ahead = self._first(key_at(look), sql, low=low)
            # Every id is ASCII.
            found += self._first(statement, sql, low=low, high=ahead[0] if ahead else "\x7f")
            if len(found) >= count or not ahead:
                return found[:count]
            low, look = f"{ahead[0]} ", look * _LOOK_GROWTH

    def _first(self, statement: str, sql: ClientSql, **more: Any) -> list[str]:  # noqa: ANN401 - parameters
        rows = self._engine.rows(statement, {**sql.bound.params, **more}, timeout_s=self._timeout_s)
        return [client for (client,) in rows]

    @contextlib.contextmanager
    def all_clients(self, question: ClientQuestion) -> Iterator[tuple[int, Iterator[tuple[ClientRow, ...]]]]:
        """How many clients pass the filters, and they chunk by chunk, from one state of all tables.

        Derivation is the only one that changes these tables: it is held back until each statement has taken its view
        of its table, a second or so, and what it changes later is not seen. The number is counted before, so it may be
        off by what arrived in between.
        """
        sql = ClientSql(question)
        total = int(self._engine.rows(sql.total(), sql.bound.params, settings=_COUNTING)[0][0])
        with contextlib.ExitStack() as open_streams:

            def read(statement: str) -> Iterable[Columns]:
                stream = open_streams.enter_context(
                    contextlib.closing(self._engine.stream(statement, sql.bound.params, _STREAMING))
                )
                first = next(stream, None)
                return chain([] if first is None else [first], stream)

            with self._gate.pinned():
                rows = _merged(sql, question, read, EVERY_CLIENT)
            yield total, _in_chunks(rows, _CHUNK)


def _merged(sql: ClientSql, question: ClientQuestion, read: Read, which: str) -> Iterator[ClientRow]:
    """The clients that every statement gives, each with its parts; all statements are asked before this returns."""
    names = _campaign_names(sql, read)
    clients = read(sql.clients(which))
    days = read(sql.days(which)) if sql.needs_days else ()
    usage = read(sql.usage(which)) if sql.needs_usage else ()
    return _Merge(sql, question, names).rows(clients, days, usage)


def _campaign_names(sql: ClientSql, read: Read) -> dict[int, str]:
    if not sql.needs_campaigns:
        return {}
    return {campaign: name for block in read(sql.campaigns()) for campaign, name in zip(*block, strict=True)}


def _in_chunks(rows: Iterator[ClientRow], size: int) -> Iterator[tuple[ClientRow, ...]]:
    """The rows in chunks of a size, the last one shorter."""
    while chunk := tuple(islice(rows, size)):
        yield chunk


class _Merge:
    """Puts the rows of the statements of one question together."""

    def __init__(self, sql: ClientSql, question: ClientQuestion, campaigns: Mapping[int, str]) -> None:
        self._sql = sql
        self._daily = question.choice.daily
        self._campaigns = campaigns
        # Where each column lies: among the values of the client's row, among those of its last day, or in its usage.
        self._positions = [self._position(column.prop) for column in question.choice.columns]
        daily = self._daily.columns if self._daily else ()
        self._day_positions = [sql.daily.index(column.prop) for column in daily]

    def _position(self, prop: Property) -> tuple[int, int]:
        if prop is USAGE:
            return 2, 0
        return (1, self._sql.daily.index(prop)) if prop.daily else (0, self._sql.current.index(prop))

    def rows(
        self, clients: Iterable[Columns], days: Iterable[Columns], usage: Iterable[Columns]
    ) -> Iterator[ClientRow]:
        days_ahead = _Ahead(_converted(days, 4, self._sql.daily, self._campaigns))
        usage_ahead = _Ahead(_summed(usage))
        for row in _converted(clients, 1, self._sql.current, self._campaigns):
            client, current = row[0], row[1:]
            of_client = days_ahead.of(client)
            last = next((day for day in of_client if day[2]), None)
            used = next((counts for _, counts in usage_ahead.of(client)), ())
            if last is None and self._sql.needs_days:
                continue
            parts = (current, last[4:] if last else (), (used,))
            yield ClientRow(
                client, tuple(parts[part][position] for part, position in self._positions), self._days(of_client)
            )

    def _days(self, rows: list[tuple[Any, ...]]) -> tuple[ActiveDay, ...]:
        return tuple(
            ActiveDay(row[1], tuple(row[4 + position] for position in self._day_positions)) for row in rows if row[3]
        )


class _Ahead:
    """Rows in the order of their clients, handed out client by client."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, client: str) -> list[tuple[Any, ...]]:
        """The rows of a client; those of clients before it are left out."""
        found = []
        while self._next is not None and self._next[0] <= client:
            if self._next[0] == client:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _converted(
    blocks: Iterable[Columns], plain: int, properties: Sequence[Property], campaigns: Mapping[int, str]
) -> Iterator[tuple[Any, ...]]:
    """Rows whose first `plain` columns stay as they are; those of the properties become what lists show."""
    for block in blocks:
        typed = [_values(prop, column, campaigns) for prop, column in zip(properties, block[plain:], strict=True)]
        yield from zip(*block[:plain], *typed, strict=True)


def _values(prop: Property, column: Sequence[Any], campaigns: Mapping[int, str]) -> Sequence[Value]:
    """A column as values: empty text is null, whole numbers are integers, flags are truths."""
    if prop.data_type == "string":
        return [text or None for text in column]
    if prop.data_type == "number":
        return [_number(number) for number in column]
    if prop.data_type == "boolean":
        return [None if flag is None else bool(flag) for flag in column]
    if prop in DELIVERIES:
        return [tuple(Delivery(one, campaigns.get(one)) for one in shown) for shown in column]
    return column


def _number(number: float | None) -> int | float | None:
    return int(number) if number is not None and number == int(number) else number


def _summed(blocks: Iterable[Columns]) -> Iterator[tuple[str, tuple[EventCount, ...]]]:
    """Each client with its lifetime counts; rows that cancel each other out may still be among them."""
    current, sums = "", dict[str, int]()
    for block in blocks:
        for client, event, count in zip(*block, strict=True):
            if client != current:
                yield current, _counts(sums)
                current, sums = client, {}
            sums[event] = sums.get(event, 0) + count
    yield current, _counts(sums)


def _counts(sums: Mapping[str, int]) -> tuple[EventCount, ...]:
    """By category, null first, then name (chapter 06)."""
    used = ((EventName.of_key(event), count) for event, count in sums.items() if count > 0)
    return tuple(EventCount(*event, count) for event, count in sorted(used, key=lambda one: null_first(one[0])))
