"""An export job: what was asked for, how far it has come, and the file it makes (chapter 06)."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class JobStatus(StrEnum):
    """How far a job has come. Queued and running jobs survive a restart of the server."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOrder:
    """What somebody asked to be exported.

    Attributes:
        product_id: of one product.
        user_id: who asked, and who alone may fetch the file; None when the user was removed meanwhile.
        request: the normalised request, as JSON text.
        today: T of the request; the file shows this day, whenever it is written.
        ending: the ending of the file's name.
        has_license_keys: the file shows or selects by license keys, so fetching it needs license_filtering.

    """

    product_id: int
    user_id: int | None
    request: str
    today: dt.date
    ending: str
    has_license_keys: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One job as it is now.

    Attributes:
        export_id: what callers know it by.
        order: what it is to make.
        file_name: the file's name.
        status: how far it is.
        clients_written: so many are in the file already.
        clients_total: so many will be; None while that is not known.
        file_size: bytes of the finished file.
        sha256: of the finished file, hexadecimal.
        error: why it failed.

    """

    export_id: str
    order: ExportOrder
    file_name: str
    status: JobStatus
    clients_written: int = 0
    clients_total: int | None = None
    file_size: int = 0
    sha256: str = ""
    error: str | None = None
