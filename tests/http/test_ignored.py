"""What a request says in vain is ignored, as the wire demands, and told in a header."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field
from starlette.testclient import TestClient

from odometer.http.ignored import HEADER
from odometer.selection.spelling import never_stored
from tests.http.conftest import PRODUCT, REPORT_PATH, REPORTS, Connect, MustRequest, log_in


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"text": "a"}, None),
        ({"user": "u", "sessionId": "s", "productId": 1}, None),
        ({"nunber": 3}, "nunber is unknown here, did you mean number?"),
        ({"zzz": None}, "zzz is unknown here"),
        ({"items": [{"limit": 1}, {"limit": 1, "limits": 2}]}, "items[1].limits is unknown here, did you mean limit?"),
        ({"a": 1, "b": 2}, "a is unknown here; b is unknown here"),
        ({"ä\r\nX-Evil: 1": 1}, r"\xe4??X-Evil: 1 is unknown here"),
    ],
)
def test_members_that_an_operation_has_not_are_told(ada: TestClient, body: dict[str, Any], told: str | None) -> None:
    answer = ada.post(REPORT_PATH, json=body)

    assert answer.status_code == 200
    assert answer.headers.get(HEADER) == told
    assert "X-Evil" not in answer.headers


class TwoDays(MustRequest):
    stop_date: str = Field(default="NOW", alias="stopDate")


def test_a_member_of_another_report_is_no_misspelt_one_of_this(connect: Connect) -> None:
    """`stopDate` in generic/current is not meant to be its `startDate`."""
    two = replace(REPORTS[2], path="/v3/reporting/two", request=TwoDays)
    caller = connect(reports=(*REPORTS, two))
    log_in(caller)

    answer = caller.post(f"{REPORTS[2].path}/{PRODUCT}", json={"startDate": "NOW", "stopDate": "NOW", "stratDate": 1})

    assert answer.status_code == 200
    assert answer.headers[HEADER] == "stopDate is not used here; stratDate is unknown here, did you mean startDate?"


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        (
            {"globalFilters": {"osLanguage": 1}, "nunber": 1},
            "globalFilters",
            "nunber is unknown here, did you mean number?",
        ),
        ({"globalFilters": {"osLanguage": 1}}, "globalFilters", None),
        (
            {"items": [{"limit": "1", "x": 1}], "itemsx": 1},
            "items[0].limit",
            "items[0].x is unknown here; itemsx is unknown here, did you mean items?",
        ),
        ({"number": "1", "number-x": 1}, "number", "number-x is unknown here, did you mean number?"),
    ],
)
def test_what_the_error_names_was_not_ignored(
    ada: TestClient, body: dict[str, Any], field: str, told: str | None
) -> None:
    answer = ada.post(REPORT_PATH, json=body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert answer.headers.get(HEADER) == told


def test_a_header_has_room_for_twenty_of_them(ada: TestClient) -> None:
    answer = ada.post(REPORT_PATH, json={f"{number:02}" + "x" * 90: 1 for number in range(100)})

    assert answer.headers[HEADER].count(" is unknown here") == 20
    assert len(answer.headers[HEADER]) < 2_000


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("geography.country", "Germany", "'Germany' is stored as 'DE'."),
        ("geography.country", "DE", None),
        ("geography.country", "Atlantis", None),
        ("geography.usState", "Utah", "'Utah' is stored as 'UT'."),
        ("geography.continent", "EU", "'EU' is stored as 'Europe'."),
        ("os.version", "Windows 11", "'Windows 11' is stored as 'Microsoft Windows 11'."),
        ("os.version", "Microsoft Windows 11", None),
        ("os.platform", "Microsoft Windows", None),
        ("osLanguage", "de-DE", None),
        ("licenseType", "purchased", None),
        ("prodVersion", "anything", None),
    ],
)
def test_texts_that_nothing_stored_can_equal_are_known(name: str, text: str, why: str | None) -> None:
    assert never_stored(name, text) == why


def test_a_license_type_that_there_is_not_is_known() -> None:
    assert str(never_stored("licenseType", "bought")).startswith("'bought' is no license type; there are evaluation, ")
