"""The door to the analytics engine (embedded or server ClickHouse); only this room imports it."""
