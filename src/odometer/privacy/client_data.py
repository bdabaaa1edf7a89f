"""Everything that is held of one client, as one JSON document (chapter 09: exporting one client is one call)."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from odometer.exports.raw_files import json_records
from odometer.model.moments import to_text
from odometer.model.properties import CUSTOM_SLOTS, DAILY
from odometer.selection.client_list import DailyAsked, all_properties, as_object, parse_client_choice
from odometer.selection.reading import Language
from odometer.store.answers.client_list import ClientQuestion
from odometer.store.questions import Questions

_FIRST_DAY: Final = "2000-01-01"
# They stand within texts only.
_BEYOND_ASCII: Final = re.compile("[^\x00-\x7f]+")


def client_data(
    questions: Questions, product_id: int, client: str, *, now_ms: int, today: dt.date
) -> Iterator[bytes] | None:
    """The document in pieces, or None when nothing is held of the client.

    `client` is what clientPropertyList says of it, all properties and all its days included, null where it only sent
    opt records; `records` are its records as they were accepted, with the members of raw event files.
    """
    records = json_records(questions.raw.of_client(product_id, client))
    first = next(records, None)
    if first is None:
        return None
    head = {"productId": product_id, "clientId": client, "exportedAt": to_text(now_ms)}
    head["client"] = _life(questions, product_id, client, today)
    return _pieces(head, first, records)


def _pieces(head: dict[str, Any], first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield _in_ascii(orjson.dumps(head)[:-1]) + b',"records":[\n' + _in_ascii(first)
    for record in others:
        yield b",\n" + _in_ascii(record)
    yield b"\n]}\n"


def _in_ascii(json_text: bytes) -> bytes:
    """The same JSON with other signs escaped, as all answers of the API are."""
    if json_text.isascii():
        return json_text
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], json_text.decode()).encode("ascii")


def _life(questions: Questions, product_id: int, client: str, today: dt.date) -> dict[str, Any] | None:
    language = Language(today, questions.pattern_fault, may_use_license_keys=True, custom_types={})
    daily = DailyAsked(_FIRST_DAY, "NOW", [prop.name for prop in DAILY])
    choice = parse_client_choice(
        all_properties(CUSTOM_SLOTS, may_use_license_keys=True), daily, None, language, oldest=None
    )
    # The first from its id on, whoever that is: a filter would look at all the others.
    rows, _ = questions.clients.page(ClientQuestion(product_id, choice, today), client, 1)
    return next((as_object(row, choice) for row in rows if row.client == client), None)
