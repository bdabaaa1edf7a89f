"""Limits that keep the code readable, and completeness: what exists is listed, documented and tested."""

import ast
from pathlib import Path
from typing import Any

import pytest

from odometer.reports import REPORTS
from odometer.reports.definition import Report

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def test_files_and_functions_stay_small() -> None:
    """A file fits a reader's head, a function a screen."""
    tall = []
    for path in SOURCES:
        text = path.read_text()
        if text.count("\n") > MAX_FILE_LINES:
            tall.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        tall += [
            f"{path.relative_to(ROOT)} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
        ]

    assert tall == []


def test_every_report_module_is_listed() -> None:
    """A report file that nobody listed would never be served."""
    modules = {path.stem for path in (ROOT / "src/odometer/reports").glob("*.py")} - {"__init__", "definition"}

    assert modules == {report.run.__module__.rpartition(".")[2] for report in REPORTS}


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.path)
def test_every_report_is_documented_and_has_golden_cases(report: Report[Any, Any]) -> None:
    """Users read docs/reports.md; goldens are worked by hand."""
    path = report.path
    module = report.run.__module__.rpartition(".")[2]

    assert f"POST {path}/{{product_id}}" in (ROOT / "docs/reports.md").read_text()
    assert list((ROOT / "tests/golden" / module).glob("*.json"))
