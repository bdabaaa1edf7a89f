"""The export of a client list (chapter 06): a normalised request, and the file it makes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from odometer.exports.client_files import CLIENT_FILES
from odometer.exports.jobs import Progress
from odometer.model import strict_json
from odometer.model.export_job import ExportOrder
from odometer.selection.client_list import ClientChoice, DailyAsked, parse_client_choice
from odometer.selection.predicate import properties_in
from odometer.selection.reading import Language
from odometer.selection.refusals import read_as
from odometer.selection.wire_filters import FILTERS, GlobalFilters, filters_as_sent
from odometer.store.answers.client_list import ClientQuestion
from odometer.store.questions import Questions

FileFormat = Literal["jsonl", "csv", "parquet"]


@dataclass(frozen=True, slots=True)
class ClientListOrder:
    """A request that was read once: dates are days, nothing is absent, and it stays valid as it is."""

    choice: ClientChoice
    filters: GlobalFilters | None
    file_format: FileFormat

    @property
    def ending(self) -> str:
        """The ending of the file's name."""
        return CLIENT_FILES[self.file_format].ending

    @property
    def has_license_keys(self) -> bool:
        """Whether license keys are shown or selected by."""
        asked = [*(column.prop for column in self.choice.columns), *properties_in(self.choice.filters)]
        return any(prop.name == "licenseKey" for prop in asked)

    def as_text(self) -> str:
        """The normalised request as JSON: equal for requests that ask for the same in the same order."""
        daily = self.choice.daily
        return json.dumps(
            {
                "properties": [column.name for column in self.choice.columns],
                "retDailyData": daily
                and {
                    "startDate": str(daily.range.start),
                    "stopDate": str(daily.range.stop),
                    "properties": [column.name for column in daily.columns],
                },
                "globalFilters": filters_as_sent(self.filters or {}),
                "fileFormat": self.file_format,
            },
            sort_keys=True,
            default=float,  # decimals; the engine compares doubles
        )


def read_order(text: str, language: Language) -> ClientListOrder:
    """The request that `as_text` wrote."""
    members: Mapping[str, Any] = strict_json.parse(text.encode())
    daily = members["retDailyData"]
    filters = read_as(FILTERS, members["globalFilters"], "globalFilters")
    asked = daily and DailyAsked(daily["startDate"], daily["stopDate"], daily["properties"])
    choice = parse_client_choice(members["properties"], asked, filters, language, None)
    return ClientListOrder(choice, filters, members["fileFormat"])


def client_list_writer(questions: Questions) -> Callable[[ExportOrder, Path, Progress], int]:
    """What makes the files of client lists."""

    def write(order: ExportOrder, path: Path, progress: Progress) -> int:
        # What the user may see was decided when they asked.
        language = Language(order.today, questions.pattern_fault, may_use_license_keys=True, custom_types={})
        asked = read_order(order.request, language)
        question = ClientQuestion(order.product_id, asked.choice, order.today)
        return write_client_file(questions, question, asked.file_format, path, progress)

    return write


def write_client_file(
    questions: Questions, question: ClientQuestion, file_format: FileFormat, path: Path, progress: Progress
) -> int:
    """Write all clients that the question is about, from one state of the data; how many they are."""
    written = 0
    with (
        questions.clients.all_clients(question) as (total, chunks),
        CLIENT_FILES[file_format].open(path, question.choice) as write,
    ):
        progress(0, total)
        for chunk in chunks:
            write(chunk)
            written += len(chunk)
            progress(written, total)
    return written
