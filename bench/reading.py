"""How many rows and bytes the engine reads for a report, told by its own counters."""

from bench.history import LAST, PRODUCT
from bench.questions import SILENCE_DAYS, Measured
from odometer.reports import REPORTS
from odometer.reports.definition import Context
from odometer.store.engine import Engine
from odometer.store.gate import Gate
from odometer.store.questions import Questions

_COUNTERS = "SELECT event, value FROM system.events WHERE event IN ('SelectedRows', 'SelectedBytes')"


def cost_of(question: Measured, engine: Engine) -> tuple[int, int]:
    """(rows, bytes) that answering the question reads; nothing else may use the engine meanwhile."""
    before = dict(engine.rows(_COUNTERS))
    report = next(report for report in REPORTS if report.path.endswith(question.path))
    questions = Questions(engine, Gate(), as_of_ms=lambda: 0, timeout_s=600)
    report.run(report.request.model_validate(question.request), Context(PRODUCT, SILENCE_DAYS, None, LAST, questions))
    after = dict(engine.rows(_COUNTERS))
    rows, size = (after[name] - before.get(name, 0) for name in ("SelectedRows", "SelectedBytes"))
    return rows, size
