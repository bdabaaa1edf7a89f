"""The ledger: how many records each month had, and their checksum, so that lost ones are missed (decision 14).

It lies in a file beside the engine's folder and covers the records up to an `ingest_no`; those after it are entered
when they have been derived, behind the senders' back. Records that are deleted on purpose are struck out before and
after: whichever moment a process dies at, one of two sums is right.
"""

import contextlib
import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from odometer.durable import write_durably
from odometer.errors import Problem, StartError
from odometer.store.engine import Engine
from odometer.store.records.deletion import delete_rows
from odometer.store.tables import MARK, RECORDS

LEDGER_FILE: Final = "ledger.json"
_VERSION: Final = 1
_MODULUS: Final = 2**64
_RETRY_AFTER_S: Final = 60
_GONE: Final = (
    "The analytics store of this installation is gone: what lies in {folder} is another one, or empty ({note} "
    "remembers it). Is a disk not mounted, or ODOMETER_ANALYTICS changed?"
)


@dataclass(frozen=True, slots=True)
class MonthSum:
    """The records of one month: how many, and the sum of their hashes."""

    rows: int = 0
    check: int = 0

    def minus(self, other: "MonthSum") -> "MonthSum":
        """What is left without the other's records."""
        return MonthSum(self.rows - other.rows, (self.check - other.check) % _MODULUS)

    def plus(self, other: "MonthSum") -> "MonthSum":
        """Both together."""
        return MonthSum(self.rows + other.rows, (self.check + other.check) % _MODULUS)


Months = Mapping[str, MonthSum]
_NONE: Final = MonthSum()


@dataclass(frozen=True, slots=True)
class Entries:
    """What the file says.

    Attributes:
        up_to: the records up to this ingest_no are entered.
        months: their sums, by month as `203105`.
        going: the sums of records that are being deleted; they may be gone already.
        set_aside: damaged parts whose loss was accepted, as `table/name`.
        store: tells the store apart from others; empty in a ledger of an earlier version.

    """

    up_to: int = 0
    months: Months = field(default_factory=dict)
    going: Months = field(default_factory=dict)
    set_aside: frozenset[str] = frozenset()
    store: str = ""


class Ledger:
    """The ledger of one store; a store on a ClickHouse server has none, as its operator looks after it."""

    def __init__(self, engine: Engine, note: Path | None = None) -> None:
        """`note`: a file outside the engine's folder that remembers the store once it has records.

        The ledger goes with its folder: without the note a folder that is gone would be a new beginning.
        """
        self._engine = engine
        self._note = note
        self._noted = ""
        self._path: Path | None = None if engine.folder is None else engine.folder / LEDGER_FILE
        self._lock = threading.Lock()
        self._entries = Entries()
        # What is written goes by what was read: until then, or the loss is accepted, nothing is.
        self._is_read = False
        self.losses: Sequence[str] = ()
        # The store is not the one of this installation, so that even what is derived says nothing.
        self.is_other_store = False

    @property
    def entries(self) -> Entries:
        """What is entered now."""
        return self._entries

    def check(self) -> Sequence[str]:
        """Compare with what is stored; sentences that say what is lost, and `losses` afterwards. Begins a new ledger.

        Reads a few columns of all records. Until the loss is accepted nothing is entered.
        """
        with self._lock:
            self.losses = self._check()
        return self.losses

    def _check(self) -> Sequence[str]:
        if self._path is None:
            return ()
        try:
            held = read_ledger(self._path)
            noted = "" if self._note is None else read_note(self._note)
        except StartError as error:
            return (str(error),)
        if noted and (held is None or held.store not in (noted, "")):
            self.is_other_store = True
            return (_GONE.format(folder=self._path.parent, note=self._note),)
        try:
            if held is None:
                self._begin()
                return ()
            actual = self._sums(0, held.up_to)
        except Problem as problem:
            return (f"Records cannot be read: {_reason(problem)}",)
        self._entries, self._is_read = held, True
        self._settle(actual)
        losses = differences(self._entries.months, actual)
        if not losses:
            if not held.store:
                self._write(replace(self._entries, store=noted or new_store_id()))
            self._remember()
        return losses

    def advance(self) -> None:
        """Enter the records that have been derived since the last time."""
        with self._lock:
            if self._path is None or self.losses or not self._is_read:
                return
            self._settle_going()
            if self.losses:
                return
            mark = self._mark()
            before = self._entries
            if mark > before.up_to:
                added = self._sums(before.up_to, mark)
                self._write(replace(before, up_to=mark, months=_combined(before.months, added)))
            self._remember()

    def require_whole(self) -> None:
        """Raise `Problem` STORE_UNAVAILABLE while records are lost: deleting would make the loss look right."""
        if self.losses:
            message = "Records of this store are lost; nothing is deleted until an operator has settled that."
            raise Problem("STORE_UNAVAILABLE", message, retry_after_s=_RETRY_AFTER_S)

    def delete_records(self, product_id: int, columns: Sequence[str], values: Sequence[tuple[Any, ...]]) -> None:
        """Delete the product's records whose columns have one of these values, and strike them out.

        Raises `Problem` STORE_UNAVAILABLE where records are lost, and when the file cannot be written.
        """
        if self._path is None:
            delete_rows(self._engine, RECORDS, product_id, columns, values)
            return
        with self._lock:
            self.require_whole()
            self._settle_going()
            self.require_whole()
            before = self._entries
            going = self._sums(0, before.up_to, product_id, columns, values)
            self._write(replace(before, going=going))
            delete_rows(self._engine, RECORDS, product_id, columns, values)
            self._write(replace(before, months=_without(before.months, going), going={}))

    def sums_up_to(self, up_to: int) -> Months:
        """The sums of all records up to a later ingest_no; only while nobody deletes any."""
        with self._lock:
            self._settle_going()
            self.require_whole()
            before = self._entries
            return _combined(before.months, self._sums(before.up_to, up_to))

    def accept(self, set_aside: Sequence[str]) -> Sequence[str]:
        """What is stored now is what there is: the ledger is written anew, and these damaged parts are known.

        Sentences that say what is given up; they are of the ledger as it was, where that could be read.
        """
        with self._lock:
            given_up = self._missing()
            self._begin(frozenset(set_aside))
            if self._note is not None and self._note.exists():
                # Also where nothing is left: the note is of the store that was.
                self._write_note(self._note)
            self.losses = ()
            self.is_other_store = False
        return given_up

    def settle_set_aside(self, parts: Sequence[str]) -> None:
        """These damaged parts bother nobody any more: what was in them has been made anew."""
        with self._lock:
            if self._path is not None and self._is_read and not self.losses:
                self._write(replace(self._entries, set_aside=self._entries.set_aside | set(parts)))

    def _missing(self) -> Sequence[str]:
        held = None
        if self._path is not None:
            with contextlib.suppress(StartError):
                held = read_ledger(self._path)
        return () if held is None else differences(held.months, self._sums(0, held.up_to))

    def _begin(self, set_aside: frozenset[str] = frozenset()) -> None:
        mark = self._mark()
        months = self._sums(0, mark)
        self._is_read = True
        self._write(Entries(mark, months, {}, set_aside, new_store_id()))
        self._remember()

    def _remember(self) -> None:
        """Write the note once there are records: from then on the store is missed."""
        entries = self._entries
        if self._note is not None and entries.months and self._noted != entries.store:
            self._write_note(self._note)

    def _write_note(self, note: Path) -> None:
        _write_file(note, encode_note(self._entries.store))
        self._noted = self._entries.store

    def _settle_going(self) -> None:
        """A deletion that raised may have taken place or not; where neither is so, records are lost."""
        if self._entries.going:
            actual = self._sums(0, self._entries.up_to)
            self._settle(actual)
            if self._entries.going:
                self.losses = differences(self._entries.months, actual)

    def _settle(self, actual: Months) -> None:
        """Decide for each month by itself; where neither sum fits both stay, for the day the lost records are back."""
        entries = self._entries
        months, going = dict(entries.months), dict(entries.going)
        for month, gone in entries.going.items():
            known, held = months.get(month, _NONE), actual.get(month, _NONE)
            if held not in (known, known.minus(gone)):
                continue
            del going[month]
            months[month] = held
        if going != entries.going:
            self._write(replace(entries, months=_present(months), going=going))

    def _mark(self) -> int:
        """Up to here all commits are complete, and derived."""
        return int(self._engine.rows(f"SELECT max(value) FROM {MARK} WHERE name = 'derived'")[0][0])

    def _sums(
        self,
        after: int,
        up_to: int,
        product_id: int | None = None,
        columns: Sequence[str] = (),
        values: Sequence[tuple[Any, ...]] = (),
    ) -> Months:
        params: dict[str, Any] = {"after": after, "up_to": up_to}
        where = "ingest_no > {after:UInt64} AND ingest_no <= {up_to:UInt64}"
        if product_id is not None:
            kinds = ", ".join(dict(RECORDS.columns)[name] for name in columns)
            given = f"{{values:Array(Tuple({kinds}))}}" if len(columns) > 1 else f"{{values:Array({kinds})}}"
            where += f" AND product = {{product:UInt64}} AND ({', '.join(columns)}) IN {given}"
            params |= {"product": product_id, "values": [row if len(columns) > 1 else row[0] for row in values]}
        rows = self._engine.rows(
            f"""SELECT toString(toYYYYMM(day)) AS month, count(), sum(sipHash64(product, client, seq, hash, ingest_no))
            FROM {RECORDS} WHERE {where} GROUP BY month""",
            params,
        )
        return {month: MonthSum(count, check) for month, count, check in rows}

    def _write(self, entries: Entries) -> None:
        if self._path is not None:
            if not self._is_read:
                raise RuntimeError("the ledger would be written before it was read")
            _write_file(self._path, encode_ledger(entries))
        self._entries = entries

    def close(self) -> None:
        """Enter what is derived; without, it is entered at the next start."""
        with contextlib.suppress(Problem, OSError):
            self.advance()


def differences(expected: Months, actual: Months) -> Sequence[str]:
    """Sentences that say which months are not what they were."""
    found = []
    for month in sorted(expected.keys() | actual.keys()):
        known, held = expected.get(month, _NONE), actual.get(month, _NONE)
        if known == held:
            continue
        name = f"{month[:4]}-{month[4:]}"
        if held.rows < known.rows:
            found.append(f"{known.rows - held.rows:,} of {known.rows:,} records of {name} are missing.")
        else:
            found.append(f"The {held.rows:,} records of {name} are not the {known.rows:,} that were stored.")
    return tuple(found)


def encode_ledger(entries: Entries) -> bytes:
    """The content of the file."""
    value = {
        "version": _VERSION,
        "upTo": entries.up_to,
        "months": _as_json(entries.months),
        "going": _as_json(entries.going),
        "setAside": sorted(entries.set_aside),
        "store": entries.store,
    }
    return json.dumps(value, indent=1, sort_keys=True).encode()


def read_ledger(path: Path) -> Entries | None:
    """What a file says; None where there is none. Raises `StartError` when it is damaged."""
    try:
        value = json.loads(path.read_bytes())
        if value["version"] != _VERSION:
            raise StartError(f"The ledger {path} is of a newer version of Odometer.")
        return Entries(
            int(value["upTo"]),
            _of_json(value["months"]),
            _of_json(value["going"]),
            frozenset(value["setAside"]),
            str(value.get("store", "")),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"The ledger {path} is damaged; whether records are lost cannot be told.") from error


def new_store_id() -> str:
    """Tells a new store apart from all others."""
    return secrets.token_hex(8)


def encode_note(store: str) -> bytes:
    """The content of the note."""
    return json.dumps({"version": _VERSION, "store": store}).encode()


def read_note(path: Path) -> str:
    """The store that a note remembers; empty where there is none. Raises `StartError` when it is damaged."""
    try:
        return str(json.loads(path.read_bytes())["store"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{path} is damaged; whether this is the right analytics store cannot be told.") from error


def _write_file(path: Path, content: bytes) -> None:
    try:
        write_durably(path, content)
    except OSError as error:
        raise Problem("STORE_UNAVAILABLE", f"{path.name} cannot be written.", retry_after_s=_RETRY_AFTER_S) from error


def _as_json(months: Months) -> dict[str, list[int]]:
    return {month: [held.rows, held.check] for month, held in months.items()}


def _of_json(months: Mapping[str, Sequence[int]]) -> Months:
    return {month: MonthSum(*held) for month, held in months.items()}


def _combined(one: Months, other: Months) -> Months:
    return {month: one.get(month, _NONE).plus(other.get(month, _NONE)) for month in one.keys() | other.keys()}


def _without(months: Months, going: Months) -> Months:
    return _present({month: held.minus(going.get(month, _NONE)) for month, held in months.items()})


def _present(months: Months) -> Months:
    return {month: held for month, held in months.items() if held != _NONE}


def _reason(problem: Problem) -> str:
    """The engine's own words, which name the damaged part, without their stack."""
    return str(problem.__cause__ or problem).partition("\n")[0][:400]
