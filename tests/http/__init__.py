"""The HTTP API against its definitions."""  # noqa: A005 - mirrors the room of the same name
