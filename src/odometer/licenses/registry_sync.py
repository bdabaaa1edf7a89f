"""How the registry meets the reports (chapter 07): keys of clients enter it, and its states enter client days."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from odometer.licenses.states import states_of
from odometer.model.licenses import LicenseChange, LicenseKey
from odometer.store.derive import FirstRecords, KeyReports, LicenseStates, chunks

# No change has it: client days may follow some of the registry already, and all of it has to be looked at again.
_UNFINISHED: Final = 2**63


class KeyBook(Protocol):
    """Where keys are kept; see `odometer.accounts.license_keys`."""

    def collect(self, product_id: int, found: Iterable[LicenseKey]) -> int:
        """Add keys first seen from clients; running it again adds none."""

    def uncollected(self, product_id: int, first_days: Mapping[str, dt.date]) -> list[str]:
        """Of keys that clients named first on these days, those that `collect` would add or move."""

    def collected(self, product_id: int, keys: Iterable[str]) -> dict[str, LicenseKey]:
        """What was reported of those keys that were collected."""

    def newest_change(self, product_id: int) -> int:
        """The greatest change_id of the product; 0 without any."""

    def changed_since(self, product_id: int, change_id: int) -> list[str]:
        """The keys with a later change."""

    def changes(self, product_id: int, keys: Iterable[str]) -> dict[str, list[LicenseChange]]:
        """Every change of these keys by key, in the order in which they hold."""


class RegistrySync:
    """Brings registry and client days together, product by product; doing it again changes nothing.

    One at a time. A crash is mended by the next call: marks are set when everything before them is durable.
    """

    def __init__(
        self,
        book: KeyBook,
        reports: KeyReports,
        states: LicenseStates,
        should_continue: Callable[[], bool] = lambda: True,
    ) -> None:
        """`should_continue` is asked between two steps of long work, which is left when it says no."""
        self._book = book
        self._reports = reports
        self._states = states
        self._should_continue = should_continue

    def run(self, product_id: int, *, collects: bool, decides: bool) -> None:
        """Do what is new: `collects` and `decides` are what the product's settings say."""
        if collects:
            self.collect(product_id)
        self.apply(product_id, decides=decides)

    def collect(self, product_id: int, *, from_start: bool = False) -> None:
        """Add the keys that clients have named since the last call, or ever; complete those that were added."""
        up_to = self._reports.derived()
        since = 0 if from_start else self._reports.looked_at(product_id)
        if since >= up_to:
            return
        firsts = self._reports.first_records(product_id, since, up_to)
        wanted = self._book.uncollected(product_id, {key: day for key, (day, _) in firsts.items()})
        for some in chunks(wanted):
            if not self._should_continue():
                return
            chosen = {key: firsts[key] for key in some}
            self._book.collect(product_id, list(self._reports.as_reported(product_id, chosen, up_to)))
        for some in chunks(firsts):
            if not self._should_continue():
                return
            self._complete(product_id, {key: firsts[key] for key in some}, up_to)
        self._reports.look_at(product_id, up_to)

    def _complete(self, product_id: int, firsts: FirstRecords, up_to: int) -> None:
        """Let keys hold what their first client reported on the first day, though some of it arrived later.

        Of several clients on that day the one with the smallest id is the first: the order of arrival must not matter.
        """
        held = self._book.collected(product_id, firsts)
        same_day = {key: firsts[key] for key, was in held.items() if was.added == firsts[key][0]}
        changed = [one for one in self._reports.as_reported(product_id, same_day, up_to) if one != held[one.key]]
        if changed:
            # Only now, as it looks at the records of everybody.
            days = {one.key: one.added for one in changed}
            first_clients = self._reports.first_clients(product_id, days, up_to)
            self._book.collect(product_id, [one for one in changed if first_clients[one.key] == firsts[one.key][1]])

    def apply(self, product_id: int, *, decides: bool) -> None:
        """Let client days hold what the registry says (`decides`), or what clients report."""
        followed = self._states.mark(product_id)
        newest = self._book.newest_change(product_id) if decides else 0
        if followed == newest:
            return
        since = followed if 0 < followed < newest else 0
        keys = self._write(product_id, since, decides=decides)
        if self._states.derive_holders(product_id, keys):
            self._states.set_mark(product_id, newest)

    def rewrite(self, product_id: int, *, decides: bool) -> int:
        """Write everything that the registry decides anew, for a rebuild; the caller then derives all clients.

        Returns what to pass to `applied` after that.
        """
        newest = self._book.newest_change(product_id) if decides else 0
        self._write(product_id, 0, decides=decides)
        return newest

    def applied(self, product_id: int, change_id: int) -> None:
        """Remember that all clients were derived since `rewrite`."""
        self._states.set_mark(product_id, change_id)

    def _write(self, product_id: int, since: int, *, decides: bool) -> list[str]:
        """Write the states of the keys that changed; from the start also of those that are not there any more."""
        if not since:
            self._states.set_mark(product_id, _UNFINISHED)
        changed = self._book.changed_since(product_id, since) if decides else []
        keys = sorted({*changed, *(self._states.keys(product_id) if not since else ())})
        for some in chunks(keys):
            changes = self._book.changes(product_id, some) if decides else {}
            self._states.write(product_id, {key: states_of(changes.get(key, ())) for key in some})
        return keys
