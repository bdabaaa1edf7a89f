"""How many rows and bytes the engine reads for a report: the same questions, on an engine that keeps count."""

import contextlib
from collections.abc import Iterator
from typing import Any

from clickhouse_connect.driver.client import Client

from bench.history import LAST, PRODUCT
from bench.questions import Question
from odometer.reports import REPORTS
from odometer.reports.definition import Context
from odometer.store.engine import Engine
from odometer.store.gate import Gate
from odometer.store.questions import Questions


class _Counted:
    """A handle that adds up what its queries read."""

    def __init__(self, client: Client, engine: "CountingEngine") -> None:
        self._client = client
        self._engine = engine

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the handle has
        return getattr(self._client, name)

    def query(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the handle
        answer = self._client.query(*args, **named)
        self._engine.rows_read += int(answer.summary["read_rows"])
        self._engine.bytes_read += int(answer.summary["read_bytes"])
        return answer


class CountingEngine(Engine):
    """An engine that knows what it has read."""

    def __init__(self, url: str) -> None:
        self.rows_read = self.bytes_read = 0
        super().__init__(url, handles=2)

    @contextlib.contextmanager
    def handle(self) -> Iterator[Client]:
        """A handle that counts."""
        with super().handle() as client:
            yield _Counted(client, self)  # type: ignore[misc]

    def cost_of(self, question: Question) -> tuple[int, int]:
        """(rows, bytes) that answering the question reads."""
        self.rows_read = self.bytes_read = 0
        report = next(report for report in REPORTS if report.path.endswith(question.path))
        questions = Questions(self, Gate(), as_of_ms=lambda: 0, timeout_s=600)
        report.run(report.request.model_validate(question.request), Context(PRODUCT, 30, None, LAST, questions))
        return self.rows_read, self.bytes_read
