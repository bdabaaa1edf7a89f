"""The analytics tables as data: columns (the property columns come from the catalogue), keys, and their migrations."""

from dataclasses import dataclass
from typing import Final

from odometer.model.lines import LINE_PROPERTIES
from odometer.model.properties import CATALOGUE, CURRENT, DAILY, Property
from odometer.store.engine import DATABASE, Engine

NO_DAY: Final = "toDate(0)"
END_OF_DAYS: Final = "toDate(65535)"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns with types, engine and keys. Derived tables end with `sign` (+1 a row, -1 its removal)."""

    name: str
    columns: tuple[tuple[str, str], ...]
    engine: str
    order_by: str | None
    partition_by: str | None = None
    settings: str = "fsync_after_insert=1, fsync_part_directory=1"
    # Indexes and projections.
    further: str | None = None

    def __str__(self) -> str:
        """As statements name it."""
        return f"{DATABASE}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """All columns in table order."""
        return tuple(name for name, _ in self.columns)

    @property
    def ddl(self) -> str:
        """CREATE TABLE IF NOT EXISTS."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        columns += f", {self.further}" if self.further else ""
        partition = f" PARTITION BY {self.partition_by}" if self.partition_by else ""
        order = f" ORDER BY {self.order_by}" if self.order_by else ""
        settings = f" SETTINGS {self.settings}" if self.settings else ""
        return f"CREATE TABLE IF NOT EXISTS {self} ({columns}) ENGINE = {self.engine}{partition}{order}{settings}"


def column_type(prop: Property) -> str:
    """The SQL type of a property column; empty text is null, booleans that can be unset and numbers are Nullable."""
    if prop.data_type == "number":
        return "Nullable(Float64)"
    if prop.data_type == "deliveries":
        return "Array(UInt64)"
    if prop.data_type == "boolean":
        return "UInt8" if prop.is_flag else "Nullable(UInt8)"
    # One value per client: a dictionary of them would only cost memory.
    return "String" if prop.name in ("machineId", "licenseKey") else "LowCardinality(String)"


# Ids of the campaigns that were ever shown to a client, ascending.
_DELIVERIES: Final = tuple((p.column, column_type(p)) for p in CATALOGUE if p.data_type == "deliveries")

_RECORD_COLUMNS: Final = (
    ("product", "UInt64"),
    ("client", "String"),
    ("seq", "UInt64"),
    ("hash", "UInt128"),
    ("received_ms", "Int64"),
    ("batch_id", "String"),
    ("ingest_no", "UInt64"),
    ("at_ms", "Int64"),
    ("used_ms", "Int64"),
    ("day", "Date"),
    ("type", "LowCardinality(String)"),
    ("machine", "String"),
    ("session", "String"),
    ("category", "LowCardinality(String)"),
    ("name", "LowCardinality(String)"),
    ("count", "UInt64"),
    ("value", "Nullable(Decimal(38, 6))"),
    ("text", "String"),
    ("sessions", "UInt64"),
    ("runtime_ms", "Int64"),
    ("continent", "LowCardinality(String)"),
    ("country", "LowCardinality(String)"),
    ("us_state", "LowCardinality(String)"),
    ("set", "Map(LowCardinality(String), String)"),
    ("data", "String CODEC(ZSTD(3))"),
    ("canonical", "String CODEC(ZSTD(3))"),
)

RECORDS: Final = Table(
    "records",
    _RECORD_COLUMNS,
    "MergeTree",
    # The key is the identity: a replay lies beside the original, and a client's records lie together.
    "(product, client, seq, hash, received_ms)",
    partition_by="toYYYYMM(day)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
    further="INDEX by_ingest_no ingest_no TYPE minmax GRANULARITY 64",
)

# Records of one import chunk before duplicates are taken out; emptied after every chunk.
STAGING: Final = Table("staging", _RECORD_COLUMNS, "Memory", None, settings="")

# A number for every client of a product: grouping and joining by it takes half the time that ids take.
CLIENT_NUMBER: Final = Table(
    "client_number",
    (("product", "UInt64"), ("client", "String"), ("client_no", "UInt32")),
    "MergeTree",
    "(product, client)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
)

CLIENT_DAY: Final = Table(
    "client_day",
    (
        ("product", "UInt64"),
        ("client", "String"),
        ("client_no", "UInt32"),
        ("day", "Date"),
        ("install", "Date"),
        ("prev_day", "Date"),
        ("next_day", "Date"),
        ("sessions", "UInt64"),
        ("runtime_ms", "UInt64"),
        *((p.column, column_type(p)) for p in DAILY),
        ("sign", "Int8"),
    ),
    "CollapsingMergeTree(sign)",
    "(product, client, day)",
    partition_by="toYYYYMM(day)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
)

CLIENT: Final = Table(
    "client",
    (
        ("product", "UInt64"),
        ("client", "String"),
        ("client_no", "UInt32"),
        ("install", "Date"),
        ("last_seen", "Date"),
        ("active_days", "UInt32"),
        ("active_weeks", "UInt32"),
        ("active_months", "UInt32"),
        ("sessions", "UInt64"),
        ("runtime_ms", "UInt64"),
        ("opt_out_current", "UInt8"),
        ("opt_out_historical", "UInt8"),
        *((p.column, column_type(p)) for p in CURRENT),
        *_DELIVERIES,
        ("sign", "Int8"),
    ),
    "CollapsingMergeTree(sign)",
    "(product, client)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
)

EVENT_DAY: Final = Table(
    "event_day",
    (
        ("product", "UInt64"),
        ("client", "String"),
        ("client_no", "UInt32"),
        ("day", "Date"),
        # `EventName.key`: one column, so that its dictionary knows whole events.
        ("event", "LowCardinality(String)"),
        ("count", "UInt64"),
        ("value", "Decimal(38, 6)"),
        ("sign", "Int8"),
    ),
    "CollapsingMergeTree(sign)",
    "(product, client, day, event)",
    partition_by="toYYYYMM(day)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1, "
    "deduplicate_merge_projection_mode='rebuild'",
    # Sums over all clients lie in every part beside its rows; the engine reads them where a question allows it.
    further="PROJECTION totals (SELECT product, day, event, sum(count * sign), sum(value * sign) "
    "GROUP BY product, day, event)",
)

# What a client did of each event in its life.
CLIENT_EVENT: Final = Table(
    "client_event",
    (
        ("product", "UInt64"),
        ("client", "String"),
        ("client_no", "UInt32"),
        ("event", "LowCardinality(String)"),
        ("count", "UInt64"),
        ("first_day", "Date"),
        ("last_day", "Date"),
        ("sign", "Int8"),
    ),
    "CollapsingMergeTree(sign)",
    "(product, client, event)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
)

# Custom events and exceptions with their client's values of that day, as previews and files show them.
LINE: Final = Table(
    "line",
    (
        ("product", "UInt64"),
        ("client", "String"),
        ("client_no", "UInt32"),
        ("day", "Date"),
        ("type", "LowCardinality(String)"),
        ("used_ms", "Int64"),
        ("seq", "UInt64"),
        ("hash", "UInt128"),
        ("category", "LowCardinality(String)"),
        ("name", "LowCardinality(String)"),
        ("class_name", "LowCardinality(String)"),
        ("method_name", "LowCardinality(String)"),
        # Stands for `data` where days are compared, so that stack traces need not be read for that.
        ("data_hash", "UInt64"),
        ("data", "String CODEC(ZSTD(3))"),
        *((p.column, column_type(p)) for p in LINE_PROPERTIES),
        ("sign", "Int8"),
    ),
    "CollapsingMergeTree(sign)",
    "(product, client, day, type, used_ms, seq, hash)",
    partition_by="toYYYYMM(day)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
)

# Identities that are stored more than once (two writers, a retry after a crash); as good as always empty.
DUPLICATE: Final = Table(
    "duplicate",
    (("product", "UInt64"), ("client", "String"), ("seq", "UInt64"), ("hash", "UInt128")),
    "ReplacingMergeTree",
    "(product, client, seq, hash)",
)

# SQL of `EventName.key` from the columns of records and of the table `event`.
EVENT_KEY: Final = r"concat(category, '\x1f', name)"

# Every event that was ever received, and when first: what it is flagged as depends on the setting of that moment.
EVENT: Final = Table(
    "event",
    (
        ("product", "UInt64"),
        ("category", "String"),
        ("name", "String"),
        ("first_received_ms", "SimpleAggregateFunction(min, Int64)"),
    ),
    "AggregatingMergeTree",
    "(product, category, name)",
)

# What the license key registry said of a key from which day on, where it decides over what clients report (chapter
# 07): (first day, whether it holds anything from then on, type, activated, allowed, blocked, expired), by day.
LICENSE_STATE: Final = Table(
    "license_state",
    (
        ("product", "UInt64"),
        ("license_key", "String"),
        ("version", "UInt64"),
        ("states", "Array(Tuple(Date, UInt8, String, UInt8, UInt8, UInt8, UInt8))"),
    ),
    "ReplacingMergeTree(version)",
    "(product, license_key)",
    settings="index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1",
)

# The registry's change up to which a product's client days follow it; 0 = they hold what clients report.
LICENSE_MARK: Final = Table(
    "license_mark",
    (("product", "UInt64"), ("version", "UInt64"), ("change_id", "UInt64")),
    "ReplacingMergeTree(version)",
    "product",
)

# How far derivation has come: every record with an ingest_no up to `value` is in the derived tables.
MARK: Final = Table("mark", (("name", "String"), ("value", "UInt64")), "ReplacingMergeTree(value)", "name")

DERIVED: Final = (CLIENT_DAY, CLIENT, EVENT_DAY, CLIENT_EVENT, LINE)
TABLES: Final = (RECORDS, STAGING, CLIENT_NUMBER, *DERIVED, DUPLICATE, EVENT, MARK, LICENSE_STATE, LICENSE_MARK)

# Statements that bring an older store to the next version; version 1 is the CREATE statements above.
# Without a mark everything is derived again when the store is opened.
_DERIVE_AGAIN: Final = f"TRUNCATE TABLE {MARK}"
MIGRATIONS: Final[tuple[tuple[int, tuple[str, ...]], ...]] = (
    (1, tuple(table.ddl for table in TABLES)),
    (
        2,
        (
            *(f"ALTER TABLE {CLIENT} ADD COLUMN IF NOT EXISTS {name} {kind}" for name, kind in _DELIVERIES),
            EVENT.ddl,
            _DERIVE_AGAIN,
        ),
    ),
    (
        3,
        (
            CLIENT_NUMBER.ddl,
            *(f"DROP TABLE IF EXISTS {table}" for table in DERIVED),
            *(table.ddl for table in DERIVED),
            _DERIVE_AGAIN,
        ),
    ),
    (4, (LICENSE_STATE.ddl, LICENSE_MARK.ddl)),
    (5, (LINE.ddl, DUPLICATE.ddl, _DERIVE_AGAIN)),
)

# Of the tables that this version makes and reads.
SCHEMA_VERSION: Final = MIGRATIONS[-1][0]


def migrate(engine: Engine) -> int:
    """Bring the analytics store to the newest version and return it. Running it again changes nothing."""
    engine.command(
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.schema_version (version UInt32) ENGINE = MergeTree ORDER BY version"
    )
    done = engine.rows(f"SELECT max(version) FROM {DATABASE}.schema_version")[0][0]
    for version, statements in MIGRATIONS:
        if version > done:
            for statement in statements:
                engine.command(statement)
            engine.command(f"INSERT INTO {DATABASE}.schema_version VALUES ({version})")
            done = version
    return int(done)
