"""What `odometer doctor` finds: traces of erased clients that should have left the disk."""

from pathlib import Path

import pytest

from odometer.accounts import open_registry
from odometer.cli.doctor import examine
from odometer.cli.finding import Finding
from odometer.clock import Clock
from odometer.model.erasure import Erasure
from odometer.settings import read_settings
from tests.erasures import note

HOUR_MS = 3_600_000


def finding(subject: str) -> Finding:
    (found,) = (one for one in examine(read_settings()) if one.subject == subject)
    return found


@pytest.mark.parametrize(("age_ms", "cleaned", "late"), [(2 * HOUR_MS, [], 1), (2 * HOUR_MS, ["er-1"], 0), (1, [], 0)])
def test_erasures_that_are_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age_ms: int, cleaned: list[str], late: int
) -> None:
    # The engine belongs to other tests of this process.
    monkeypatch.setattr("odometer.cli.doctor.examine_store", lambda _settings: [])
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", Clock())
    erasure = Erasure(
        receipt_id="er-1",
        product_id=1,
        erased_ms=Clock().now_ms() - age_ms,
        clients=1,
        records=1,
        months=frozenset({"203106"}),
    )
    note(registry.erasures, erasure)
    registry.erasures.note_cleaned(cleaned)
    registry.close()

    found = finding("erasures")

    assert found.is_fine is not bool(late)
    assert found.text.startswith("1 erasures" if late else "no traces" if cleaned else "1 are done")
