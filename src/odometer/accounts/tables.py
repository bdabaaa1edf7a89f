"""The registry's tables as SQLAlchemy knows them; migrations/versions creates them."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Integer, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("display_name", String(320), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
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
    Index("api_tokens_of_user", "user_id"),
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
    Index("ingestion_keys_of_product", "product_id"),
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
