"""The mark of an operation: what public clients settle of it, what is our decision (docs/compatibility.md has all)."""

from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What an operation is about: a heading of docs/compatibility.md, a chapter of the definitions."""

    SESSIONS = "Signing in"
    METADATA = "Metadata and events"
    GENERIC = "New, active, lost"
    EVENTS = "Reports about events"
    ENGAGEMENT = "Engagement and churn"
    CLIENTS = "Clients and their export"
    LICENSES = "License keys"
    LINES = "Custom events, exceptions, raw events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """Required for every route below /v3. Both texts are a few plain sentences of Markdown.

    Attributes:
        topic: what it is about.
        settled: what public clients or public documentation depend on; never changed. Empty = the operation is ours.
        ours: what this project decided where they are silent; may be improved, with a note in the changelog.

    """

    topic: Topic
    settled: str
    ours: str
