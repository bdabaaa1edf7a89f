"""Export jobs in the registry: who asked for which file, and how far it is (chapter 06)."""

import datetime as dt
import hashlib
import json
import re
import secrets
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.database import Database
from odometer.accounts.tables import EXPORT_JOBS
from odometer.clock import DAY_MS
from odometer.errors import Problem
from odometer.model.export_job import ExportJob, ExportOrder, JobStatus

# A job whose server died so often while it ran is not tried again: it may be what kills the server.
MAX_ATTEMPTS: Final = 3
_INTERRUPTED: Final = (
    "while it wrote this file, which is not tried again by itself: ask for it once more. Should that fail too, "
    "the operator finds in the system's log what stopped it, such as a lack of memory."
)
_REMEMBERED_DAYS: Final = 30
_ACTIVE: Final = (JobStatus.QUEUED, JobStatus.RUNNING)
_TABLE: Final = EXPORT_JOBS
_COLUMNS: Final = _TABLE.c
_WAITS: Final[dict[str, Any]] = {"status": JobStatus.QUEUED, "clients_written": 0, "clients_total": None}
# Attempts count servers that died over a file; what is made again is a new one.
_WAITS_ANEW: Final = {**_WAITS, "attempts": 0}


def end_jobs_of_user(connection: Connection, user_id: int, now_ms: int) -> None:
    """Let no file be written any more that nobody could fetch; who writes one notices (`is_running`)."""
    active = update(_TABLE).where(_COLUMNS.user_id == user_id, _COLUMNS.status.in_(_ACTIVE))
    ended = {"status": JobStatus.FAILED, "active_key": None, "finished_ms": now_ms, "error": "The user was removed."}
    connection.execute(active.values(ended))


class ExportJobs:
    """All export jobs of the installation; safe to use from many threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, order: ExportOrder, *, at_most: int) -> ExportJob:
        """A new queued job, or the identical one that waits or runs already.

        Raises `Problem` 429 when the user has `at_most` others waiting or running.
        """
        key = _active_key(order)
        export_id = f"ex-{secrets.token_hex(6)}"
        name = _file_name(order.today, export_id, order.ending)
        job = ExportJob(export_id=export_id, order=order, file_name=name, status=JobStatus.QUEUED)
        try:
            with self._database.writing() as connection:
                same = connection.execute(select(_TABLE).where(_COLUMNS.active_key == key)).one_or_none()
                if same is not None:
                    return _job(same)
                others = select(func.count()).where(_COLUMNS.user_id == order.user_id, _COLUMNS.status.in_(_ACTIVE))
                if connection.execute(others).scalar_one() >= at_most:
                    message = f"{at_most} exports of yours are waiting or running; ask again when one has finished."
                    raise Problem("TOO_MANY_REQUESTS", message, retry_after_s=30)
                connection.execute(insert(_TABLE).values(_values(job, key, self._database.clock.now_ms())))
        except IntegrityError:
            # Another process has just stored the same order.
            with self._database.reading() as connection:
                return _job(connection.execute(select(_TABLE).where(_COLUMNS.active_key == key)).one())
        return job

    def get(self, product_id: int, user_id: int, export_id: str) -> ExportJob | None:
        """A user's job; None when there is none of this id, or it is somebody else's."""
        found = self._of_user(product_id, user_id, _COLUMNS.export_id == export_id)
        return found[0] if found else None

    def finished(self, product_id: int, user_id: int) -> list[ExportJob]:
        """A user's jobs whose files can be fetched, newest first."""
        return self._of_user(product_id, user_id, _COLUMNS.status == JobStatus.DONE)

    def _of_user(self, product_id: int, user_id: int, which: ColumnElement[bool]) -> list[ExportJob]:
        own = select(_TABLE).where(_COLUMNS.product_id == product_id, _COLUMNS.user_id == user_id, which)
        with self._database.reading() as connection:
            rows = connection.execute(own.order_by(_COLUMNS.created_ms.desc(), _COLUMNS.export_id)).all()
        return [_job(row) for row in rows]

    def claim(self) -> ExportJob | None:
        """The job that has waited longest, running from now on; None when none waits."""
        with self._database.writing() as connection:
            waiting = select(_TABLE).where(_COLUMNS.status == JobStatus.QUEUED)
            oldest = waiting.order_by(_COLUMNS.created_ms, _COLUMNS.export_id).limit(1).with_for_update()
            row = connection.execute(oldest).one_or_none()
            if row is None:
                return None
            changes = {"status": JobStatus.RUNNING, "attempts": row.attempts + 1, "clients_written": 0}
            connection.execute(_update(row.export_id).values(changes))
        return _job(row)

    def progress(self, export_id: str, written: int, total: int) -> None:
        """Note how many clients are written, and of how many."""
        self._change(export_id, JobStatus.RUNNING, clients_written=written, clients_total=total)

    def is_running(self, export_id: str) -> bool:
        """Whether the file is still wanted by the one who writes it (`stop_running`)."""
        running = select(_COLUMNS.export_id).where(
            _COLUMNS.export_id == export_id, _COLUMNS.status == JobStatus.RUNNING
        )
        with self._database.reading() as connection:
            return connection.execute(running).one_or_none() is not None

    def finish(self, export_id: str, written: int, file_size: int, sha256: str) -> bool:
        """Note that the file is complete and can be fetched; False when it is not wanted any more (`stop_running`)."""
        figures = {"clients_written": written, "clients_total": written, "file_size": file_size, "sha256": sha256}
        return self._end(export_id, JobStatus.DONE, **figures)

    def fail(self, export_id: str, error: str) -> None:
        """Note that there will be no file, and why, in a sentence for the user."""
        self._end(export_id, JobStatus.FAILED, error=error[:300])

    def put_back(self, export_id: str) -> None:
        """Let a job that was stopped on purpose wait again, as if it had not begun."""
        self._change(export_id, JobStatus.RUNNING, **_WAITS, attempts=_COLUMNS.attempts - 1)

    def counts(self) -> dict[str, int]:
        """How many jobs there are of each status."""
        with self._database.reading() as connection:
            rows = connection.execute(select(_COLUMNS.status, func.count()).group_by(_COLUMNS.status)).all()
        return dict.fromkeys((str(status) for status in JobStatus), 0) | {str(status): count for status, count in rows}

    def put_back_interrupted(self) -> None:
        """At the start of a server: what ran when the last one died waits again, unless that happens all the time."""
        with self._database.reading() as connection:
            running = connection.execute(select(_TABLE).where(_COLUMNS.status == JobStatus.RUNNING)).all()
        for row in running:
            if row.attempts >= MAX_ATTEMPTS:
                self.fail(row.export_id, f"The server stopped {row.attempts} times {_INTERRUPTED}")
            else:
                self._change(row.export_id, JobStatus.RUNNING, **_WAITS)

    def stop_running(self, product_id: int, erased: Collection[str]) -> int:
        """Let all that is being written wait again: erased clients may be in it. How many.

        Jobs without a file whose request names one of the clients are forgotten.
        """
        with self._database.writing() as connection:
            rows = connection.execute(
                select(_TABLE).where(_COLUMNS.product_id == product_id, _COLUMNS.status != JobStatus.DONE)
            ).all()
            named = [row.export_id for row in rows if _is_about(row, erased)]
            connection.execute(delete(_TABLE).where(_COLUMNS.export_id.in_(named)))
            running = _COLUMNS.status == JobStatus.RUNNING
            wait = update(_TABLE).where(_COLUMNS.product_id == product_id, running).values(_WAITS_ANEW)
            return connection.execute(wait).rowcount

    def with_files(self, product_id: int) -> list[ExportJob]:
        """All jobs of a product whose files can be fetched."""
        done = select(_TABLE).where(_COLUMNS.product_id == product_id, _COLUMNS.status == JobStatus.DONE)
        with self._database.reading() as connection:
            return [_job(row) for row in connection.execute(done).all()]

    def make_again(self, jobs: Collection[ExportJob], erased: Collection[str]) -> int:
        """Let jobs wait again whose files are gone, as erased clients may have been in them. How many.

        Those whose request names one of the clients are forgotten.
        """
        count = 0
        these = select(_TABLE).where(_COLUMNS.export_id.in_([job.export_id for job in jobs]))
        with self._database.writing() as connection:
            for row in connection.execute(these).all():
                if _is_about(row, erased):
                    connection.execute(delete(_TABLE).where(_COLUMNS.export_id == row.export_id))
                    continue
                # By another name: links to the old file must not lead to the new one.
                name = _file_name(row.today, f"{row.export_id}-{secrets.token_hex(2)}", row.ending)
                connection.execute(_update(row.export_id).values(_WAITS_ANEW | {"file_name": name}))
                count += 1
        return count

    def due(self, days: int) -> list[ExportJob]:
        """Jobs finished `days` ago or more, whose files have to go; they are due until they are `expired`."""
        before_ms = self._database.clock.now_ms() - days * DAY_MS
        due = select(_TABLE).where(_COLUMNS.status == JobStatus.DONE, _COLUMNS.finished_ms <= before_ms)
        with self._database.reading() as connection:
            return [_job(row) for row in connection.execute(due).all()]

    def expired(self, export_id: str) -> None:
        """Note that the file is gone."""
        self._change(export_id, JobStatus.DONE, status=JobStatus.EXPIRED)

    def forget(self) -> None:
        """Remove what ended long ago and has no file any more."""
        before_ms = self._database.clock.now_ms() - _REMEMBERED_DAYS * DAY_MS
        ended = _COLUMNS.status.in_((JobStatus.EXPIRED, JobStatus.FAILED))
        with self._database.writing() as connection:
            connection.execute(delete(_TABLE).where(ended, _COLUMNS.finished_ms <= before_ms))

    def _end(self, export_id: str, status: JobStatus, **figures: Any) -> bool:  # noqa: ANN401 - values of columns
        """End a job that runs; False when it does not run any more."""
        now_ms = self._database.clock.now_ms()
        return self._change(export_id, JobStatus.RUNNING, status=status, active_key=None, finished_ms=now_ms, **figures)

    def _change(self, export_id: str, present: JobStatus, **values: Any) -> bool:  # noqa: ANN401 - values of columns
        """Change a job; False when something else has become of it meanwhile."""
        with self._database.writing() as connection:
            changed = connection.execute(_update(export_id).where(_COLUMNS.status == present).values(values))
        return bool(changed.rowcount)


def _file_name(today: dt.date, export_id: str, ending: str) -> str:
    return f"clientPropertyList_{today}_{export_id}{ending}"


def _update(export_id: str) -> Any:  # noqa: ANN401 - an UPDATE statement
    return update(_TABLE).where(_COLUMNS.export_id == export_id)


def _is_about(row: Row[Any], clients: Collection[str]) -> bool:
    """Whether the request asks for one of the clients by its id, in a pattern as well: then its bytes have to go."""
    by_id = json.dumps(json.loads(row.request).get("globalFilters", {}).get("clientId"))
    return any(re.search(rf"(?<![A-Za-z0-9_-]){re.escape(client)}(?![A-Za-z0-9_-])", by_id) for client in clients)


def _active_key(order: ExportOrder) -> str:
    """The same for identical orders: same user, product, day and normalised request (chapter 06)."""
    said = f"{order.product_id}\n{order.user_id}\n{order.today}\n{order.request}"
    return hashlib.sha256(said.encode()).hexdigest()


def _values(job: ExportJob, key: str, now_ms: int) -> dict[str, Any]:
    order = job.order
    return {
        "export_id": job.export_id,
        "product_id": order.product_id,
        "user_id": order.user_id,
        "request": order.request,
        "today": order.today,
        "ending": order.ending,
        "has_license_keys": order.has_license_keys,
        "active_key": key,
        "file_name": job.file_name,
        "status": job.status,
        "attempts": 0,
        "clients_written": 0,
        "file_size": 0,
        "sha256": "",
        "created_ms": now_ms,
    }


def _job(row: Row[Any]) -> ExportJob:
    order = ExportOrder(
        product_id=row.product_id,
        user_id=row.user_id,
        request=row.request,
        today=row.today,
        ending=row.ending,
        has_license_keys=row.has_license_keys,
    )
    return ExportJob(
        export_id=row.export_id,
        order=order,
        file_name=row.file_name,
        status=JobStatus(row.status),
        clients_written=row.clients_written,
        clients_total=row.clients_total,
        file_size=row.file_size,
        sha256=row.sha256,
        error=row.error,
    )
