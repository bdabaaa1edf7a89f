"""Records, the append-only truth: appended live or in bulk, read, deleted, and entered in the ledger.

What other rooms may use is named here; the files inside are nobody else's business.
"""

from odometer.store.records.append import (
    Appended,
    Batch,
    BlockedAmong,
    Touched,
    Writer,
    last_ingest_no,
    no_blocked_clients,
)
from odometer.store.records.bulk import BulkAppend
from odometer.store.records.deletion import delete_rows
from odometer.store.records.kinds import IS_EVENT, IS_LINE, IS_OPT_RECORD
from odometer.store.records.ledger import LEDGER_FILE, Entries, Ledger, Months, MonthSum, encode_ledger, new_store_id
from odometer.store.records.reading import RAW_COLUMNS, RawReading
from odometer.store.records.sorted_scan import drop_leftovers

__all__ = [
    "IS_EVENT",
    "IS_LINE",
    "IS_OPT_RECORD",
    "LEDGER_FILE",
    "RAW_COLUMNS",
    "Appended",
    "Batch",
    "BlockedAmong",
    "BulkAppend",
    "Entries",
    "Ledger",
    "MonthSum",
    "Months",
    "RawReading",
    "Touched",
    "Writer",
    "delete_rows",
    "drop_leftovers",
    "encode_ledger",
    "last_ingest_no",
    "new_store_id",
    "no_blocked_clients",
]
