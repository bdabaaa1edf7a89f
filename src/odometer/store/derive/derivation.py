"""Derivation: bring the derived tables of some clients to what their records say; running it again mends a crash."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from odometer.model.opt_out import OptRecord, by_client, sent_after_opt_out
from odometer.store.derive.scope import EVERYTHING, Scope
from odometer.store.derive.statements import (
    HAS_REGISTRY_STATES,
    WANTED_ROWS,
    all_duplicates,
    difference,
    find_duplicate,
    find_line,
    new_events,
    new_numbers,
    opt_records,
    usage_of_suspects,
)
from odometer.store.engine import Engine
from odometer.store.gate import Gate
from odometer.store.records import Ledger
from odometer.store.tables import CLIENT, CLIENT_NUMBER, DUPLICATE, EVENT, LINE, RECORDS, Table

# Bounds the memory of one statement: so many records are read at once, and so many client ids are passed.
RECORDS_AT_ONCE: Final = 1_000_000
CLIENTS_AT_ONCE: Final = 5_000
# So much of stack traces and the like weighs as much as a record: they are copied into what is derived.
_DATA_BYTES: Final = 256

# Derives clients of a product again; False when it was stopped before it was done.
DeriveAgain = Callable[[int, Sequence[str]], bool]


def known_products(engine: Engine) -> list[int]:
    """Ids of the products with a record or a derived row: a rebuild takes away what no record stands behind."""
    rows = engine.rows(
        f"SELECT product FROM (SELECT product FROM {RECORDS} UNION DISTINCT SELECT product FROM "
        f"{CLIENT}) ORDER BY product"
    )
    return [product_id for (product_id,) in rows]


class Derivation:
    """The only writer of the derived tables. One at a time: two at once would both insert one difference."""

    def __init__(self, engine: Engine, gate: Gate, ledger: Ledger) -> None:
        self._engine = engine
        self._gate = gate
        self.ledger = ledger
        self._one_at_a_time = threading.Lock()

    def derive_clients(self, product_id: int, clients: Iterable[str], up_to: int | None = None) -> None:
        """Derive the named clients from the records with an ingest_no up to `up_to`: commits that are complete.

        Without `up_to` nobody may be writing: all records count.
        """
        names = sorted(clients)
        for start in range(0, len(names), CLIENTS_AT_ONCE):
            some = tuple(names[start : start + CLIENTS_AT_ONCE])
            self._derive(Scope(product_id, some, up_to=EVERYTHING if up_to is None else up_to))

    def derive_since(self, product_id: int, ingest_no: int, progress: Callable[[float], None] = lambda _: None) -> None:
        """Derive every client with a record of a greater `ingest_no`; 0 = rebuild the whole product.

        `progress` is told the share done, 0 to 1. Many clients are taken in ranges, so memory stays bounded.
        """
        touched = self._engine.rows(
            f"""SELECT DISTINCT client FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND ingest_no > {{since:UInt64}} LIMIT {CLIENTS_AT_ONCE + 1}""",
            {"product": product_id, "since": ingest_no},
        )
        if ingest_no and len(touched) <= CLIENTS_AT_ONCE:
            self.derive_clients(product_id, [client for (client,) in touched])
            progress(1.0)
            return
        scopes = self._ranges(product_id, ingest_no)
        for done, scope in enumerate(scopes):
            self._derive(scope)
            progress((done + 1) / len(scopes))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Between two steps: what is derived after the block sees what the block stores, and before it nothing is.

        For tables that derivation reads beside the records.
        """
        with self._one_at_a_time:
            yield

    def _ranges(self, product_id: int, ingest_no: int) -> list[Scope]:
        """Ranges of client ids with so many records each; those without a record after `ingest_no` are left out."""
        # A rebuild also visits clients that only the derived table knows: their rows have to go.
        strangers = (
            f"UNION ALL SELECT client, 1, 1 FROM {CLIENT} WHERE product = {{product:UInt64}}" if ingest_no == 0 else ""
        )
        ranges = self._engine.rows(
            f"""
            SELECT min(client), max(client) FROM (
                SELECT client, touched, intDiv(sum(n) OVER (ORDER BY client), {RECORDS_AT_ONCE}) AS part FROM (
                    SELECT client, sum(n) AS n, max(touched) AS touched FROM (
                        SELECT client, count() + intDiv(sum(length(data)), {_DATA_BYTES}) AS n,
                            max(ingest_no) > {{since:UInt64}} AS touched
                        FROM {RECORDS} WHERE product = {{product:UInt64}} GROUP BY client
                        {strangers}
                    ) GROUP BY client
                )
            ) GROUP BY part HAVING max(touched) ORDER BY 1""",
            {"product": product_id, "since": ingest_no},
        )
        return [Scope(product_id, low=low, high=high) for low, high in ranges]

    def _derive(self, scope: Scope) -> None:
        with self._one_at_a_time:
            # Telling duplicates apart costs several times more than finding that there are none.
            scope = replace(
                scope,
                with_duplicates=bool(self._engine.rows(find_duplicate(scope), scope.params)),
                with_registry=bool(self._engine.rows(HAS_REGISTRY_STATES, {"product": scope.product_id})),
            )
            if scope.with_duplicates:
                self._engine.command(f"INSERT INTO {DUPLICATE} {all_duplicates(scope)}", scope.params)
            self._erase_opted_out(scope)
            self._engine.command(f"INSERT INTO {EVENT} {new_events(scope)}", scope.params)
            self._engine.command(f"INSERT INTO {CLIENT_NUMBER} {new_numbers(scope)}", scope.params)
            # Most clients never had any, and what their days are need not be asked once more.
            has_lines = bool(self._engine.rows(find_line(scope), scope.params))
            changes = [
                (table, self._change(table, wanted(scope), scope))
                for table, wanted in WANTED_ROWS
                if table is not LINE or has_lines
            ]
            if any(blocks for _, blocks in changes):
                # Reports see all of it or nothing: never half of one client's batch (chapter 09).
                with self._gate.writing():
                    for table, blocks in changes:
                        if blocks:
                            self._engine.insert_native(table.name, table.column_names, blocks)

    def _change(self, table: Table, wanted: str, scope: Scope) -> bytes:
        held = f"SELECT 1 FROM {table} WHERE {scope.condition} LIMIT 1"
        nothing_stored = not self._engine.rows(held, scope.params)
        return self._engine.native(difference(table, wanted, scope, nothing_stored=nothing_stored), scope.params)

    def _erase_opted_out(self, scope: Scope) -> None:
        """Remove records that turned out, by late opt records, to have been sent after an opt-out (chapter 09)."""
        opts: dict[str, list[OptRecord]] = by_client(self._engine.rows(opt_records(scope), scope.params))
        doomed = self._sent_after_opt_out(
            scope, {client: known for client, known in opts.items() if any(opt.is_out for opt in known)}
        )
        if doomed:
            self.ledger.delete_records(scope.product_id, ("client", "seq", "hash"), doomed)

    def _sent_after_opt_out(self, scope: Scope, opts: dict[str, list[OptRecord]]) -> list[tuple[str, int, int]]:
        """Identities of the records that do not count, of clients that opted out once."""
        if not opts:
            return []
        records = self._engine.rows(usage_of_suspects(scope), {**scope.params, "suspects": sorted(opts)})
        return sent_after_opt_out(records, opts)
