"""The registry's tables as SQLAlchemy knows them; migrations/versions creates them."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

# `sqlite_autoincrement` where an id is never given again: links, notes of use and jobs may outlive the row it was of.

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Integer, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("display_name", String(320), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
    Column("unlocked_ms", BigInteger),
    sqlite_autoincrement=True,
)

PRODUCTS = Table(
    "products",
    METADATA,
    Column("product_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(200), nullable=False),
    Column("days_until_declared_lost", Integer, nullable=False),
    Column("oldest_date", Date),
    Column("settings", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

PERMISSIONS = Table(
    "permissions",
    METADATA,
    Column("user_id", ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
    Column("permission", String(32), primary_key=True),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    Index("sessions_of_user", "user_id"),
)

API_TOKENS = Table(
    "api_tokens",
    METADATA,
    Column("token_id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("is_read_only", Boolean, nullable=False),
    Column("is_limited", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("prefix", String(16), nullable=False),
    Column("expires_ms", BigInteger),
    Column("last_used_ms", BigInteger),
    Index("api_tokens_of_user", "user_id"),
    sqlite_autoincrement=True,
)

API_TOKEN_PRODUCTS = Table(
    "api_token_products",
    METADATA,
    Column("token_id", ForeignKey("api_tokens.token_id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
)

INGESTION_KEYS = Table(
    "ingestion_keys",
    METADATA,
    Column("key_id", Integer, primary_key=True),
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), nullable=False),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("may_set_ip", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("name", String(200), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("last_used_ms", BigInteger),
    Index("ingestion_keys_of_product", "product_id"),
    sqlite_autoincrement=True,
)

# Flags that somebody has set; an event without a row has those of the setting newEvents.
EVENT_FLAGS = Table(
    "event_flags",
    METADATA,
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
    Column("category", String(128), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("basic", Boolean, nullable=False),
    Column("advanced", Boolean, nullable=False),
)

# Files outlive their user's row: they are taken away when they are due. A product's id is never given again.
EXPORT_JOBS = Table(
    "export_jobs",
    METADATA,
    Column("export_id", String(32), primary_key=True),
    Column("product_id", BigInteger, nullable=False),
    Column("user_id", ForeignKey("users.user_id", ondelete="SET NULL")),
    Column("request", Text, nullable=False),
    Column("today", Date, nullable=False),
    Column("ending", String(16), nullable=False),
    Column("has_license_keys", Boolean, nullable=False),
    # Of a job that waits or runs: the same for identical orders, so that there is one of them at a time.
    Column("active_key", String(64), unique=True),
    Column("file_name", String(200), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("clients_written", BigInteger, nullable=False),
    Column("clients_total", BigInteger),
    Column("file_size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("error", String(300)),
    Column("created_ms", BigInteger, nullable=False),
    Column("finished_ms", BigInteger),
    Index("export_jobs_of_user", "product_id", "user_id"),
)

# Compared and ordered by bytes, as SQLite does it anyway.
_KEY_TEXT = String(256).with_variant(String(256, collation="C"), "postgresql")


def _license_columns() -> tuple[Column[Any], ...]:
    return (
        Column("license_type", String(16), nullable=False),
        Column("activated", Boolean, nullable=False),
        Column("allowed", Boolean, nullable=False),
        Column("blocked", Boolean, nullable=False),
        Column("expired", Boolean, nullable=False),
        Column("added", Date, nullable=False),
        Column("expiry", Date),
        Column("auto_collected", Boolean, nullable=False),
        Column("install_quota", BigInteger, nullable=False),
    )


LICENSE_KEYS = Table(
    "license_keys",
    METADATA,
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
    Column("license_key", _KEY_TEXT, primary_key=True),
    *_license_columns(),
)

# Every change with what the key was afterwards (before, where it was deleted): tells its state on any past day.
LICENSE_KEY_CHANGES = Table(
    "license_key_changes",
    METADATA,
    Column("change_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), nullable=False),
    Column("license_key", _KEY_TEXT, nullable=False),
    Column("day", Date, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(320), nullable=False),
    Column("action", String(16), nullable=False),
    *_license_columns(),
    Index("license_key_changes_of_key", "product_id", "license_key"),
    Index("license_key_changes_in_order", "product_id", "change_id"),
    # An id is never given again: what follows the changes remembers the last one it has seen.
    sqlite_autoincrement=True,
)

# Daily files that are complete.
DAILY_FILES = Table(
    "daily_files",
    METADATA,
    Column("product_id", BigInteger, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("stream", String(16), nullable=False),
    Column("day", Date, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(64), nullable=False),
)

# Clients that were erased and must not come back, as keyed hashes: nothing here tells who they were.
BLOCKED_CLIENTS = Table(
    "blocked_clients",
    METADATA,
    Column("product_id", ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True),
    Column("client_hash", String(64), primary_key=True),
    Column("blocked_ms", BigInteger, nullable=False),
)

# What was erased and when. `pending` are the ids of the clients until that is done, afterwards nothing tells who they
# were; `months` are the partitions that are written anew then.
ERASURES = Table(
    "erasures",
    METADATA,
    Column("receipt_id", String(32), primary_key=True),
    Column("product_id", BigInteger, nullable=False),
    Column("erased_ms", BigInteger, nullable=False),
    Column("clients", Integer, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("months", Text, nullable=False),
    Column("pending", Text),
    Column("rewritten_ms", BigInteger),
    Column("cleaned_ms", BigInteger),
    Index("erasures_of_product", "product_id", "erased_ms"),
)

AUDIT_LOG = Table(
    "audit_log",
    METADATA,
    Column("entry_id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String(320), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(320), nullable=False),
    Column("detail", Text, nullable=False),
)

# Random bytes this installation signs with (not passwords: they must be readable to be used).
SIGNING_SECRETS = Table(
    "signing_secrets",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", String(64), nullable=False),
)
