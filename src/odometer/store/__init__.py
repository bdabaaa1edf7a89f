"""The door to the analytics engine (embedded or server ClickHouse): append, derive, questions. Only this room imports it."""
