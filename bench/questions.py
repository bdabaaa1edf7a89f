"""The questions that are measured: what is asked over HTTP, and the plain exact SQL that gives the same figures."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bench.history import FIRST, LAST, PRODUCT
from odometer.store.engine import DATABASE

SILENCE_DAYS = 30
Cells = dict[tuple[str, ...], tuple[int, int, int]]

_ALL = {"clientStatus": ["new", "active", "lost"], "daysUntilDeclaredLost": SILENCE_DAYS}
_YEAR = {**_ALL, "startDate": str(FIRST), "stopDate": str(LAST)}
_LAST_90_DAYS = LAST - dt.timedelta(days=89)


class Measured(Protocol):
    """A report request that is measured beside plain SQL that gives the same figures."""

    @property
    def name(self) -> str:
        """Of the row in the table."""

    @property
    def path(self) -> str:
        """Of the report."""

    @property
    def request(self) -> dict[str, Any]:
        """Its body."""

    @property
    def plain_sql(self) -> str:
        """The plain SQL, in the same engine."""

    @property
    def plain_cells(self) -> Callable[[list[tuple[Any, ...]]], Any]:
        """The figures in the rows of the plain SQL."""

    @property
    def report_cells(self) -> Callable[[dict[str, Any]], Any]:
        """The same figures in the answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """One report request and its plain SQL over client days, which knows nothing of neighbours and install days.

    Attributes:
        name: of the row in the table.
        path: of the report.
        request: its body.
        bucket: SQL of a day's bucket.
        values: columns of the levels.
        first: first day of the range.
        where: a condition on the deciding values, as `last_values`.
        by_machine: count machines, by the last one that each client's records named.

    """

    name: str
    path: str
    request: dict[str, Any]
    bucket: str = "toDate(0)"
    values: tuple[str, ...] = ()
    first: dt.date = FIRST
    where: str = "1"
    by_machine: bool = False

    @property
    def plain_sql(self) -> str:
        """The last values of each unit in each bucket, and the first and last day of its life, by grouping."""
        days = f"{DATABASE}.client_day"
        unit = "machine" if self.by_machine else "client"
        if self.by_machine:
            days = f"""(
                SELECT d.client AS client, day, machine{self._columns} FROM {DATABASE}.client_day AS d
                INNER JOIN (
                    SELECT client, argMax(records.machine, (day, seq)) AS machine FROM {DATABASE}.records
                    WHERE product = {PRODUCT} GROUP BY client HAVING machine != ''
                ) AS c ON d.client = c.client
                WHERE product = {PRODUCT})"""
        of_product = "1" if self.by_machine else f"product = {PRODUCT}"
        labels = "".join(f", last_values.{place + 2}" for place in range(len(self.values)))
        return f"""
            SELECT bucket{labels}, countIf(first_day >= '{self.first}' AND {self._bucket_of("first_day")} = bucket),
                count(), countIf(last_day = last_here AND last_day + {SILENCE_DAYS} <= toDate('{LAST}'))
            FROM (
                SELECT {self.bucket} AS bucket, {unit} AS unit, max(day) AS last_here,
                    argMax(tuple(0{self._columns}), (day, client)) AS last_values
                FROM {days} WHERE {of_product} AND day BETWEEN '{self.first}' AND '{LAST}' GROUP BY bucket, unit
            ) AS here INNER JOIN (
                SELECT {unit} AS unit, min(day) AS first_day, max(day) AS last_day
                FROM {days} WHERE {of_product} GROUP BY unit
            ) AS life ON here.unit = life.unit
            WHERE {self.where} GROUP BY bucket{labels}"""

    @property
    def _columns(self) -> str:
        return "".join(f", {column}" for column in self.values)

    def _bucket_of(self, day: str) -> str:
        return {"day": day, "toMonday(day)": f"toMonday({day})"}.get(self.bucket, self.bucket)

    def plain_cells(self, rows: list[tuple[Any, ...]]) -> Cells:
        """The rows of the plain SQL by bucket and labels."""
        shown = 0 if self.where == "1" else len(self.values)
        found: Cells = {}
        for bucket, *others in rows:
            labels = [label or "<NULL>" for label in others[shown:-3]]
            key = (str(bucket) if self.request.get("dateSplit") else "", *labels)
            found[key] = (int(others[-3]), int(others[-2]), int(others[-1]))
        return found

    def report_cells(self, answer: dict[str, Any]) -> Cells:
        """The figures of the answer that are not all zero, by bucket and labels of the deepest level."""
        result = answer["result"]
        if self.request.get("dateSplit"):
            cells: Cells = {}
            for bucket, found in result.items():
                cells |= {(bucket, *labels): figures for labels, figures in _leaves(found)}
        else:
            cells = {("", *labels): figures for labels, figures in _leaves(result)}
        return {key: figures for key, figures in cells.items() if any(figures)}


def _leaves(node: dict[str, Any]) -> list[tuple[tuple[str, ...], tuple[int, int, int]]]:
    """(labels, figures) of the deepest items below a node of an answer."""
    if "active" in node:
        return [((), (node["new"], node["active"], node["lost"]))]
    below = next((node[name] for name in ("level1", "level2", "level3") if name in node), None)
    if below is None and "totals" in node:
        return _leaves(node["totals"])
    items = (node if below is None else below).items()
    return [((label, *labels), figures) for label, child in items for labels, figures in _leaves(child)]


def _levels(*names: str) -> dict[str, Any]:
    return {f"level{place + 1}": {"property": name} for place, name in enumerate(names)}


QUESTIONS = (
    Question("year by week", "generic/dateRange", {**_YEAR, "dateSplit": "week"}, bucket="toMonday(day)"),
    Question(
        "year by week and prodVersion",
        "generic/dateRange",
        {**_YEAR, "dateSplit": "week", "levels": _levels("prodVersion")},
        bucket="toMonday(day)",
        values=("p_prod_version",),
    ),
    Question(
        "year by version, edition and country",
        "generic/dateRange",
        {**_YEAR, "levels": _levels("prodVersion", "prodEdition", "geography.country")},
        values=("p_prod_version", "p_prod_edition", "p_geography_country"),
    ),
    Question(
        "year by day, one country and edition",
        "generic/dateRange",
        {
            **_YEAR,
            "dateSplit": "day",
            "globalFilters": {
                "geography.country": {"type": "string", "value": "DE"},
                "prodEdition": {"type": "string", "value": "Pro"},
            },
        },
        bucket="day",
        values=("p_geography_country", "p_prod_edition"),
        where="last_values.2 = 'DE' AND last_values.3 = 'Pro'",
    ),
    Question(
        "90 days, grouped by machine",
        "generic/dateRange",
        {**_YEAR, "startDate": str(_LAST_90_DAYS), "groupBy": "machineId"},
        first=_LAST_90_DAYS,
        by_machine=True,
    ),
    Question(
        "current by country",
        "generic/current",
        {**_ALL, "levels": _levels("geography.country")},
        values=("p_geography_country",),
        first=dt.date(1970, 1, 1),
    ),
)
