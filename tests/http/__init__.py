"""The HTTP API against its contract."""  # noqa: A005 - mirrors the room of the same name
