"""A registry that meets the shared store: what tests of license keys turn."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from odometer.accounts import Registry, open_registry
from odometer.clock import Clock
from odometer.licenses.registry_sync import RegistrySync
from odometer.store.derive.license_overlay import KeyReports, LicenseStates
from odometer.store.engine import DATABASE
from tests.conftest import Store
from tests.worlds import to_ms


class DayClock(Clock):
    """Stands at noon of a day that tests choose."""

    def __init__(self) -> None:
        super().__init__()
        self.day = dt.date(2031, 6, 20)

    def now_ms(self) -> int:
        return to_ms(self.day) + 43_200_000


class AllReports(KeyReports):
    """Tests derive by hand and leave no mark: everything that is stored is derived."""

    def derived(self) -> int:
        return int(self._engine.rows(f"SELECT max(ingest_no) FROM {DATABASE}.records")[0][0])


@dataclass
class KeyDesk:
    """A registry, its clock, and the meeting with the shared store; `derived` tells who was derived again."""

    store: Store
    registry: Registry
    clock: DayClock
    sync: RegistrySync
    derived: list[str]

    def new_product(self) -> int:
        product = self.store.new_product()
        self.registry.products.add("Keyed", product)
        return product


def open_desk(store: Store, folder: Path) -> KeyDesk:
    """A desk on a registry in the folder; the caller closes the registry."""
    clock, derived = DayClock(), list[str]()

    def derive_again(product_id: int, clients: Sequence[str]) -> bool:
        derived.extend(clients)
        store.derivation.derive_clients(product_id, clients)
        return True

    registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}", clock)
    states = LicenseStates(store.engine, store.derivation, derive_again)
    sync = RegistrySync(registry.license_keys, AllReports(store.engine), states)
    return KeyDesk(store, registry, clock, sync, derived)
