"""Daily files in object storage: made, renewed and taken away as in a folder; the storage answers the links itself."""

import io
import zipfile
from pathlib import Path

import httpx2
from argon2 import PasswordHasher

from odometer.accounts import open_registry
from odometer.clock import Clock
from odometer.exports.daily import DailyFiles, key_of, sources_of, wanted_files
from odometer.exports.files import FileStore
from odometer.model.daily_file import Stream
from tests.conftest import Store
from tests.exports.test_daily import TODAY, event
from tests.worlds import Delivery, feed, to_ms


def test_made_renewed_and_taken_away(store: Store, s3: FileStore, tmp_path: Path) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", Clock(), hasher=cheap)
    daily = DailyFiles(registry.daily_files, s3, sources_of(store.questions), 90)
    product, wanted = store.new_product(), wanted_files(["csv", "parquet"])
    received_ms = to_ms(TODAY) + 3_600_000

    def arrives(*seqs: int) -> None:
        records = tuple(event("client-01", "2031-06-18", seq) for seq in seqs)
        feed(store, [Delivery(records, received_ms, "b", is_import=True)], product=product)
        daily.refresh(product, wanted, TODAY, lambda: None)

    def links() -> dict[str, str]:
        found = {}
        for stream in Stream:
            for file in daily.listed(product, stream, wanted[stream], TODAY):
                found[file.name] = s3.own_link(key_of(file), 60) or ""
        return found

    def rows(link: str) -> int:
        with zipfile.ZipFile(io.BytesIO(httpx2.get(link).content)) as archive:
            return archive.read(archive.namelist()[0]).count(b"\n") - 1

    arrives(1)
    before = links()
    assert sorted(before) == [
        "customEvents_2031-06-18.csv.zip",
        "rawEvents_2031-06-18.csv.zip",
        "rawEvents_2031-06-18.parquet",
    ]
    assert rows(before["customEvents_2031-06-18.csv.zip"]) == 1
    # The link is to the name, and late data renews what lies under it.
    arrives(2)
    assert rows(before["customEvents_2031-06-18.csv.zip"]) == 2

    daily.erased(product, {stream: frozenset([TODAY.replace(day=18)]) for stream in Stream})

    assert links() == {}
    assert {httpx2.get(link).status_code for link in before.values()} == {404}
    registry.close()
