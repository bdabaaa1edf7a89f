"""Settings of a product over HTTP: who may read and change them, what is refused, and that changes take effect."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typing_extensions import TypedDict

from odometer.accounts import Permission
from odometer.reports.definition import Context, Report, ReportRequest
from tests.http.conftest import EMAIL, HIDDEN, MARK, PASSWORD, PRODUCT, Connect, World, code_of, log_in

PATH = f"/admin/v1/products/{PRODUCT}/settings"
DEFAULTS = {
    "name": "Facet",
    "daysUntilDeclaredLost": 40,
    "oldestDate": None,
    "newEvents": "advanced",
    "licenseStatusSource": "client",
    "collectLicenseKeys": True,
    "rawExport": True,
    "rawExportFormats": ["csv"],
    "customProperties": {},
}


@pytest.fixture
def developer(ada: TestClient, world: World) -> TestClient:
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.DEVELOPER])
    return ada


def test_reporting_alone_may_not_even_look(ada: TestClient) -> None:
    assert code_of(ada.get(PATH)) == "PERMISSION_DENIED"
    assert code_of(ada.patch(PATH, json={"name": "Mine"})) == "PERMISSION_DENIED"


def test_settings_are_changed_member_by_member(developer: TestClient, world: World) -> None:
    assert developer.get(PATH).json() == {"result": DEFAULTS}
    first = developer.patch(PATH, json={"daysUntilDeclaredLost": 30, "customProperties": {"C04": {"label": "Channel"}}})
    second = developer.patch(PATH, json={"oldestDate": "2030-01-01", "customProperties": {"C05": {"type": 3}}})

    customs = {"C04": {"label": "Channel", "type": 1}, "C05": {"label": "C05", "type": 3}}
    expected = DEFAULTS | {"daysUntilDeclaredLost": 30, "oldestDate": "2030-01-01", "customProperties": customs}
    assert first.json()["result"]["daysUntilDeclaredLost"] == 30
    assert second.json() == {"result": expected}
    assert developer.get(PATH).json() == {"result": expected}
    back = developer.patch(PATH, json={"daysUntilDeclaredLost": None, "oldestDate": None, "customProperties": None})
    assert back.json() == {"result": DEFAULTS}
    product = world.registry.products.get(PRODUCT)
    assert product is not None
    assert product.custom_properties == {}


def test_changes_are_audited_and_only_what_changed(developer: TestClient, tmp_path: Path) -> None:
    developer.patch(PATH, json={"newEvents": "basic", "rawExport": True})
    developer.patch(PATH, json={"newEvents": "basic"})

    with sqlite3.connect(tmp_path / "registry.sqlite") as database:
        rows = database.execute(
            "SELECT actor, subject, detail FROM audit_log WHERE action = 'product.change'"
        ).fetchall()
    database.close()
    assert rows == [(EMAIL, str(PRODUCT), '{"newEvents": {"old": "advanced", "new": "basic"}}')]


REFUSED: list[tuple[Any, str, str | None]] = [
    ([], "INVALID_FIELD", None),
    ({"days": 3}, "INVALID_FIELD", "days"),
    ({"name": ""}, "INVALID_FIELD", "name"),
    ({"name": None}, "MISSING_FIELD", "name"),
    ({"daysUntilDeclaredLost": 0}, "INVALID_FIELD", "daysUntilDeclaredLost"),
    ({"daysUntilDeclaredLost": 366}, "INVALID_FIELD", "daysUntilDeclaredLost"),
    ({"daysUntilDeclaredLost": "30"}, "INVALID_FIELD", "daysUntilDeclaredLost"),
    ({"oldestDate": "2030-02-30"}, "INVALID_FIELD", "oldestDate"),
    ({"newEvents": "all"}, "INVALID_FIELD", "newEvents"),
    ({"rawExport": 1}, "INVALID_FIELD", "rawExport"),
    ({"customProperties": []}, "INVALID_FIELD", "customProperties"),
    ({"customProperties": {"C21": {}}}, "INVALID_FIELD", "customProperties.C21"),
    ({"customProperties": {"C01": "Channel"}}, "INVALID_FIELD", "customProperties.C01"),
    ({"customProperties": {"C01": {"colour": 1}}}, "INVALID_FIELD", "customProperties.C01"),
    ({"customProperties": {"C01": {"label": ""}}}, "INVALID_FIELD", "customProperties.C01.label"),
    ({"customProperties": {"C01": {"label": "Product Version"}}}, "INVALID_FIELD", "customProperties.C01.label"),
    ({"customProperties": {"C01": {"label": "C02"}}}, "INVALID_FIELD", "customProperties.C01.label"),
    (
        {"customProperties": {"C01": {"label": "a"}, "C02": {"label": "a"}}},
        "INVALID_FIELD",
        "customProperties.C02.label",
    ),
    ({"customProperties": {"C01": {"type": 4}}}, "INVALID_FIELD", "customProperties.C01.type"),
]


@pytest.mark.parametrize(("change", "code", "field"), REFUSED)
def test_a_refused_change_changes_nothing(developer: TestClient, change: Any, code: str, field: str | None) -> None:
    body = {"rawExport": False, **change} if isinstance(change, dict) and "rawExport" not in change else change

    answer = developer.patch(PATH, json=body)

    assert (answer.status_code, code_of(answer), answer.json()["error"].get("field")) == (400, code, field)
    assert developer.get(PATH).json() == {"result": DEFAULTS}


def test_the_product_of_the_path_alone_is_changed(developer: TestClient, world: World) -> None:
    world.registry.products.add("Other", 7)
    developer.patch(PATH, json={"name": "Renamed"})

    other = world.registry.products.get(7)
    assert other is not None
    assert other.name == "Other"


class Told(TypedDict):
    keys: bool
    types: dict[str, int]
    lost: int


def _told(_request: ReportRequest, context: Context) -> Told:
    return {
        "keys": context.may_use_license_keys,
        "types": dict(context.custom_types),
        "lost": context.days_until_declared_lost,
    }


EXAMPLE: tuple[dict[str, Any], Told] = ({}, {"keys": False, "types": {}, "lost": 40})
TOLD = Report("/v3/reporting/told", "Told", "What a report is told.", ReportRequest, Told, _told, EXAMPLE, MARK)


def test_reports_hear_of_settings_and_of_the_right_to_license_keys(connect: Connect, world: World) -> None:
    caller = connect(reports=(TOLD,))
    log_in(caller)
    path = f"{TOLD.path}/{PRODUCT}"
    before = caller.post(path, json={}).json()
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.DEVELOPER, Permission.LICENSE_FILTERING])
    log_in(caller)
    caller.patch(PATH, json={"daysUntilDeclaredLost": 7, "customProperties": {"C05": {"type": 3}}})

    assert before == {"keys": False, "types": {}, "lost": 40}
    assert caller.post(path, json={}).json() == {"keys": True, "types": {"C05": 3}, "lost": 7}


def test_the_standard_properties_are_those_of_the_only_visible_product(connect: Connect, world: World) -> None:
    """Bo sees one product; a second one, and the list is the standard one of every product."""
    world.registry.products.change(PRODUCT, {"customProperties": {"C04": {"label": "Channel"}}}, actor="test")
    world.registry.users.add("bo@example.com", PASSWORD)
    world.registry.users.grant("bo@example.com", PRODUCT, [Permission.REPORTING])
    caller = connect()

    def labels() -> set[str]:
        log_in(caller, user_name="bo@example.com")
        categories = caller.get("/v3/meta/productProperties").json()["result"]
        return {entry["friendlyName"] for category in categories for entry in category["properties"]}

    alone = labels()
    world.registry.users.grant("bo@example.com", HIDDEN, [Permission.LICENSE_READ])

    assert "Channel" in alone
    assert "License Key" not in alone
    assert "Channel" not in labels()
    of_product = caller.get(f"/v3/meta/productProperties/{PRODUCT}").json()["result"]
    assert of_product[-1]["category"] == "Custom Properties"


def test_settings_that_were_valid_once_stay_readable_and_repairable(developer: TestClient, tmp_path: Path) -> None:
    """A later catalogue may take the label of a custom property for itself: nobody is locked out for it."""
    stored = '{"customProperties": {"C05": {"label": "OS Version", "type": 3}}, "gone": 1}'
    with sqlite3.connect(tmp_path / "registry.sqlite") as database:
        database.execute("UPDATE products SET settings = ? WHERE product_id = ?", (stored, PRODUCT))
    database.close()

    assert developer.get(PATH).json()["result"]["customProperties"] == {"C05": {"label": "OS Version", "type": 3}}
    assert log_in(developer).status_code == 200
    repaired = developer.patch(PATH, json={"customProperties": {"C05": {"label": "Site"}}})
    assert repaired.json()["result"]["customProperties"] == {"C05": {"label": "Site", "type": 3}}


def test_whole_numbers_may_be_written_as_decimals_and_older_members_are_ignored(developer: TestClient) -> None:
    older = {"user": "x", "sessionId": "y", "productId": 1}
    content = json.dumps(older | {"customProperties": {"C05": {"type": 3.0}}})[:-1] + ', "daysUntilDeclaredLost": 30.0}'

    found = developer.patch(PATH, content=content).json()["result"]

    assert (found["daysUntilDeclaredLost"], found["customProperties"]["C05"]["type"]) == (30, 3)
    for wrong in ("true", "30.5", "1e400", '"30"'):
        answer = developer.patch(PATH, content=f'{{"daysUntilDeclaredLost": {wrong}}}')
        assert answer.status_code == 400, wrong
