"""What a batch of records looks like, for the API description; `collect/records.py` is what reads them."""

from typing import Annotated, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from odometer.collect.members import MAX_NAME
from odometer.collect.records import MAX_EVENT_COUNT, MAX_RUNTIME_S, MAX_STACK_TRACE, MAX_TEXT
from odometer.model.records import MAX_SEQ

Seq: TypeAlias = Annotated[int, Field(ge=1, le=MAX_SEQ, description="Never used twice by one client.")]
Moment: TypeAlias = Annotated[str, Field(description="RFC 3339, with Z or an offset.")]
SessionId: TypeAlias = Annotated[str, Field(min_length=10, max_length=64)]
Name: TypeAlias = Annotated[str, Field(min_length=1, description=f"At most {MAX_NAME} characters once it is trimmed.")]


class _Record(TypedDict):
    """What every record has."""

    seq: Seq
    at: Moment


class SessionStartRecord(_Record):
    """A session begins."""

    type: Literal["session_start"]
    sessionId: SessionId


class SessionStopRecord(_Record):
    """A session ends; the application measures its runtime."""

    type: Literal["session_stop"]
    sessionId: SessionId
    runtimeSeconds: NotRequired[Annotated[float, Field(ge=0, le=MAX_RUNTIME_S)] | None]


class HeartbeatRecord(_Record):
    """A sign of life: makes the day active."""

    type: Literal["heartbeat"]
    sessionId: NotRequired[SessionId | None]


class PropertiesRecord(_Record):
    """Values of properties; null clears one."""

    type: Literal["properties"]
    set: dict[str, str | float | bool | None]


class EventRecord(_Record):
    """An event; `count` occurrences at once, of which `value` is the sum."""

    type: Literal["event"]
    sessionId: NotRequired[SessionId | None]
    category: NotRequired[str | None]
    name: Name
    count: NotRequired[Annotated[int, Field(ge=1, le=MAX_EVENT_COUNT)] | None]
    value: NotRequired[float | None]
    text: NotRequired[Annotated[str, Field(max_length=MAX_TEXT)] | None]


class CustomEventRecord(_Record):
    """An event with pairs of texts; reports of events leave it out."""

    type: Literal["custom_event"]
    sessionId: NotRequired[SessionId | None]
    category: NotRequired[str | None]
    name: Name
    data: list[Annotated[list[str], Field(min_length=2, max_length=2)]]


class ExceptionRecord(_Record):
    """An exception of the application."""

    type: Literal["exception"]
    sessionId: NotRequired[SessionId | None]
    className: Annotated[str, Field(min_length=1, max_length=256)]
    methodName: Annotated[str, Field(min_length=1, max_length=256)]
    message: Annotated[str, Field(max_length=MAX_TEXT)]
    stackTrace: Annotated[str, Field(max_length=MAX_STACK_TRACE)]


class LicenseRecord(_Record):
    """The license; absent is unchanged, null clears."""

    type: Literal["license"]
    key: NotRequired[str | None]
    licenseType: NotRequired[str | None]
    activated: NotRequired[bool | None]
    allowed: NotRequired[bool | None]
    blocked: NotRequired[bool | None]
    expired: NotRequired[bool | None]


class OptOutRecord(_Record):
    """The user wants nothing collected from now on; what was collected stays."""

    type: Literal["opt_out"]


class OptInRecord(_Record):
    """The user allows collecting again."""

    type: Literal["opt_in"]


class ReachoutRecord(_Record):
    """A campaign was shown."""

    type: Literal["reachout_delivered"]
    campaignId: Annotated[int, Field(ge=0)]
    campaignName: NotRequired[Annotated[str, Field(max_length=256)] | None]
    mode: Literal["auto", "manual"]


Record: TypeAlias = Annotated[
    SessionStartRecord
    | SessionStopRecord
    | HeartbeatRecord
    | PropertiesRecord
    | EventRecord
    | CustomEventRecord
    | ExceptionRecord
    | LicenseRecord
    | OptOutRecord
    | OptInRecord
    | ReachoutRecord,
    Field(discriminator="type"),
]


class Batch(TypedDict):
    """Records of one client."""

    clientId: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{8,64}$")]
    machineId: NotRequired[str | None]
    sdk: NotRequired[str | None]
    sentAt: NotRequired[Moment | None]
    batchId: NotRequired[str | None]
    records: Annotated[list[Record], Field(max_length=5000)]


class RejectedRecord(TypedDict):
    """A record that was refused for good: which one (from 0), why, and its member at fault."""

    index: int
    seq: int | None
    code: str
    field: str | None
    message: str


class BatchAnswer(TypedDict):
    """What became of the records: accepted, duplicates and rejected sum to those sent."""

    accepted: int
    duplicates: int
    rejected: list[RejectedRecord]
    backOffDays: int
    disabled: bool
    ignored: NotRequired[Annotated[dict[str, int], Field(description="Members that nothing reads, and how often.")]]
    conflicts: NotRequired[Annotated[int, Field(description="Duplicates that carried other content.")]]
