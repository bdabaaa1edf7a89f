"""Reading exported files back, as what clientPropertyList would have answered."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from odometer.selection.client_list import ClientChoice

Object = dict[str, Any]


def read_json_lines(path: Path) -> list[Object]:
    """The objects of a jsonl.gz file."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def read_csv(path: Path) -> list[list[str]]:
    """The lines of the one CSV in a zip, header included."""
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def read_parquet(path: Path) -> list[Object]:
    """The rows of a Parquet file; its null texts as `<NULL>`, its dates as text."""
    table = parquet.read_table(path)
    return [
        {field.name: _shown(field.type, value) for field, value in zip(table.schema, row.values(), strict=True)}
        for row in table.to_pylist()
    ]


def _shown(kind: pa.DataType, value: Any) -> Any:
    if pa.types.is_string(kind):
        return "<NULL>" if value is None else value
    if pa.types.is_date(kind):
        return str(value)
    if pa.types.is_list(kind) and kind.value_type.field(0).name == "date":
        return [{part.name: _shown(part.type, day[part.name]) for part in kind.value_type} for day in value]
    if pa.types.is_list(kind):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_csv(objects: list[Object], choice: ClientChoice) -> list[list[str]]:
    """The lines that objects of the list make, written out here once more from the definitions."""
    daily = None if choice.daily is None else [column.name for column in choice.daily.columns]
    names = ["clientId", *(column.name for column in choice.columns)]
    header = list(names)
    if daily is not None:
        header += ["date", *(f"dailyData.{name}" if name in names else name for name in daily)]
    lines = [header]
    for one in objects:
        own = [_cell(one[name]) for name in names]
        if daily is None:
            lines.append(own)
        else:
            days = one["dailyData"] or [dict.fromkeys(["date", *daily])]
            lines += [[*own, *(_cell(day[name]) for name in ("date", *daily))] for day in days]
    return lines


def _cell(value: Any) -> str:
    if value is None or value == "<NULL>":
        return ""
    if isinstance(value, str):
        risky = value[0] in "=+-@\t\r" and not value.lstrip("+-").replace(".", "", 1).isdecimal()
        return f"'{value}" if risky else value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
