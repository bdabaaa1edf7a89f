"""The license key registry (chapter 07): search, update, delete."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, NotRequired

from fastapi import APIRouter, Depends
from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.accounts import Permission
from odometer.errors import invalid
from odometer.http.answers import JsonAnswer
from odometer.http.body import parse_object, read_json, validated
from odometer.http.guard import Access, require
from odometer.http.ignored import tell_unknown_names, teller_of
from odometer.http.lanes import Lane, lanes_of
from odometer.http.openapi import Content, add_operation, operation
from odometer.http.parts import HttpParts, parts_of
from odometer.licenses.filters import parse_key_filters
from odometer.licenses.search import KeyInUse, Search, over_quota
from odometer.licenses.table import entry_of
from odometer.licenses.updates import parse_updates
from odometer.licenses.wire import ENTRY_MEMBERS, KeyEntries, Keys, RegistryFilters
from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import LANGUAGE_MEMBERS, ReportRequest
from odometer.selection.reading import Language
from odometer.selection.wire import Text, whole

PATH: Final = "/v3/license-key-registry/{product_id}"
UPDATE_PATH: Final = "/v3/license-key-registry/update/{product_id}"
DEFAULT_PAGE: Final = 1_000
MAX_PAGE: Final = 10_000
_TAG: Final = "License keys"
_SEARCH_MEMBERS: Final = ("filters", "pageSize", "startAtLicenseKey", *LANGUAGE_MEMBERS)
_KEY: Final[dict[str, Any]] = {
    "licenseKey": "K-7F31-22",
    "licenseType": "purchased",
    "licenseStatus": {"activated": True, "allowed": True, "blocked": False, "expired": False},
    "addedDate": "2031-02-03",
    "expiryDate": None,
    "autoCollected": False,
    "installQuota": 5,
    "installCount": 7,
    "overQuotaCount": 2,
    "dateLastSeen": "2031-06-18",
}
_SEARCH: Final[dict[str, Any]] = {"filters": {"overQuotaCount": {"type": "numberRange", "min": 1}}, "pageSize": 100}
_FOUND: Final[dict[str, Any]] = {"result": [_KEY], "reachedEnd": True}
_UPDATE: Final[dict[str, Any]] = {
    "keyUpdates": [
        {
            "licenseKey": "K-7F31-22",
            "licenseType": "purchased",
            "licenseStatus": {"activated": True, "expired": False},
            "expiryDate": "2032-01-31",
            "installQuota": 5,
        }
    ]
}
_UPDATED: Final[dict[str, Any]] = {"result": {"inserted": 0, "updated": 1, "unchanged": 0}}
_DELETE: Final[dict[str, Any]] = {"licenseKeys": ["K-7F31-22"]}
_DELETED: Final[dict[str, Any]] = {"result": {"deleted": 1}}
_SEARCH_COMPATIBILITY: Final = Compatibility(
    topic=Topic.LICENSES,
    settled=(
        "`filters`, all optional and ANDed: `licenseKey`, `licenseType`, `licenseStatus`, `addedDate`, `expiryDate`, "
        "`autoCollected`, `overQuotaCount`, `installQuota`, `installCount`. Without filters: all keys. "
        "`overQuotaCount` is installCount minus installQuota."
    ),
    ours=(
        "The members of a key in the answer. Pages: `startAtLicenseKey`, `pageSize` (1,000, at most 10,000), "
        '`reachedEnd`, `nextLicenseKey`. Several license types in one filter, `{"type": "null"}` for keys that never '
        "expire. Needs the permission license_read."
    ),
)
_UPDATE_COMPATIBILITY: Final = Compatibility(
    topic=Topic.LICENSES,
    settled=(
        "PATCH and POST take the same `keyUpdates` and do the same: known keys are changed, unknown ones inserted, "
        "members not sent stay as they are. All or nothing, 1 to 10,000 entries. Defaults of an insert: licenseType "
        "`unknown`, every flag false, expiryDate null, installQuota 1."
    ),
    ours="The answer counts `inserted`, `updated`, `unchanged`. Needs the permission license_write.",
)
_DELETE_COMPATIBILITY: Final = Compatibility(
    topic=Topic.LICENSES,
    settled="",
    ours="Deletes the named keys that exist; the answer counts them. Needs the permission license_write.",
)


class LicenseStatus(TypedDict):
    """The flags of a license."""

    activated: bool
    allowed: bool
    blocked: bool
    expired: bool


class ListedKey(TypedDict):
    """A key of the registry, and how many installations use it; `overQuotaCount` below 0 tells free places."""

    licenseKey: str
    licenseType: str
    licenseStatus: LicenseStatus
    addedDate: str
    expiryDate: str | None
    autoCollected: bool
    installQuota: int
    installCount: int
    overQuotaCount: int
    dateLastSeen: str | None


class KeysAnswer(TypedDict):
    """A page of keys; `nextLicenseKey` only when more follow."""

    result: list[ListedKey]
    reachedEnd: bool
    nextLicenseKey: NotRequired[str]


class KeySearch(ReportRequest):
    """Which keys, and how many on a page."""

    refused: ClassVar[tuple[str, ...]] = ()

    filters: RegistryFilters | None = None
    start_at: Text | None = Field(default=None, alias="startAtLicenseKey", description="The page begins with this key.")
    page_size: Annotated[int, Field(ge=1, le=MAX_PAGE), BeforeValidator(whole)] = Field(
        default=DEFAULT_PAGE, alias="pageSize", description="Keys of a page."
    )


class KeyUpdates(ReportRequest):
    """Keys and what to set of each."""

    refused: ClassVar[tuple[str, ...]] = ()

    updates: KeyEntries = Field(alias="keyUpdates")


class UpdateCounts(TypedDict):
    """What an update did."""

    inserted: int
    updated: int
    unchanged: int


class UpdatedAnswer(TypedDict):
    """The update is done."""

    result: UpdateCounts


class KeyDeletion(ReportRequest):
    """The keys to delete."""

    refused: ClassVar[tuple[str, ...]] = ()

    keys: Keys = Field(alias="licenseKeys")


class DeletedCount(TypedDict):
    """How many of the keys there were."""

    deleted: int


class DeletedAnswer(TypedDict):
    """The keys are gone."""

    result: DeletedCount


Read = Annotated[Access, Depends(require(Permission.LICENSE_READ))]
Write = Annotated[Access, Depends(require(Permission.LICENSE_WRITE))]


def licenses_router() -> APIRouter:
    """The routes of the license key registry."""
    router = APIRouter()
    searching = operation(
        name="searchLicenseKeys",
        title="Search license keys",
        description=_SEARCHING,
        tag=_TAG,
        compatibility=_SEARCH_COMPATIBILITY,
        body=(Content(KeySearch, _SEARCH),),
        answer=KeysAnswer,
        example=(None, _FOUND),
        has_product=True,
    )
    deleting = operation(
        name="deleteLicenseKeys",
        title="Delete license keys",
        description=_DELETING,
        tag=_TAG,
        compatibility=_DELETE_COMPATIBILITY,
        body=(Content(KeyDeletion, _DELETE),),
        answer=DeletedAnswer,
        example=(None, _DELETED),
        has_product=True,
    )
    add_operation(router, "POST", PATH, _search, searching)
    add_operation(router, "DELETE", PATH, _delete, deleting)
    for method, name in (("PATCH", "updateLicenseKeys"), ("POST", "updateLicenseKeysByPost")):
        updating = operation(
            name=name,
            title="Update license keys",
            description=_UPDATING,
            tag=_TAG,
            compatibility=_UPDATE_COMPATIBILITY,
            body=(Content(KeyUpdates, _UPDATE),),
            answer=UpdatedAnswer,
            example=(None, _UPDATED),
            has_product=True,
        )
        add_operation(router, method, UPDATE_PATH, _update, updating)
    return router


_SEARCHING: Final = (
    "Keys in byte order, with how many clients use each. `filters` are ANDed; `startAtLicenseKey` and `pageSize` page. "
    "Needs the permission license_read."
)
_UPDATING: Final = (
    "Known keys are changed, unknown ones inserted, 1 to 10,000 in a batch, all or nothing; members that are not named "
    "stay as they are. PATCH and POST do the same. Needs the permission license_write."
)
_DELETING: Final = "Deletes the keys that exist, at most 10,000. Needs the permission license_write."


async def _search(request: Request, access: Read) -> Response:
    def search(parts: HttpParts, body: dict[str, Any]) -> Response:
        language = Language(
            parts.clock.today(),
            parts.questions.pattern_fault,
            may_use_license_keys=True,
            custom_types={},
            tell=teller_of(request),
        )
        tell_unknown_names(request, body, _SEARCH_MEMBERS)
        asked = _asked(body, access, language)
        page = asked.page(parts.registry.license_keys, parts.questions)
        answer: dict[str, Any] = {"result": [_shown(one, asked) for one in page.keys]}
        answer["reachedEnd"] = page.next_key is None
        return JsonAnswer(answer if page.next_key is None else {**answer, "nextLicenseKey": page.next_key})

    return await _answered(request, lanes_of(request).asking, search)


async def _update(request: Request, access: Write) -> Response:
    def update(parts: HttpParts, body: dict[str, Any]) -> Response:
        tell_unknown_names(request, body, ("keyUpdates",))
        updates = parse_updates(validated(KeyUpdates, body).updates, parts.clock.today())
        for place, entry in enumerate(body["keyUpdates"]):
            tell_unknown_names(request, entry, ENTRY_MEMBERS, f"keyUpdates[{place}].")
        counts = parts.registry.license_keys.update(access.product.product_id, updates, actor=access.caller.email)
        named = {"inserted": counts.inserted, "updated": counts.updated, "unchanged": counts.unchanged}
        return JsonAnswer({"result": named})

    return await _answered(request, lanes_of(request).changing, update)


async def _delete(request: Request, access: Write) -> Response:
    def delete(parts: HttpParts, body: dict[str, Any]) -> Response:
        tell_unknown_names(request, body, ("licenseKeys",))
        keys = list(dict.fromkeys(validated(KeyDeletion, body).keys))
        deleted = parts.registry.license_keys.delete(access.product.product_id, keys, actor=access.caller.email)
        return JsonAnswer({"result": {"deleted": deleted}})

    return await _answered(request, lanes_of(request).changing, delete)


async def _answered(request: Request, lane: Lane, answer: Callable[[HttpParts, dict[str, Any]], Response]) -> Response:
    """Read the body and answer it in a thread of the lane."""
    parts = parts_of(request)
    body = await read_json(request)

    def work() -> Response:
        return answer(parts, parse_object(body))

    return await lane.run(work)


def _asked(body: dict[str, Any], access: Access, language: Language) -> Search:
    for member in LANGUAGE_MEMBERS:
        if body.get(member) not in (None, {}, []):
            raise invalid(member, f"The license key registry has no {member}; it has filters of its own: filters.")
    search = validated(KeySearch, body)
    return Search(
        product_id=access.product.product_id,
        filters=parse_key_filters(search.filters, language),
        today=language.today,
        start=search.start_at,
        size=search.page_size,
    )


def _shown(one: KeyInUse, asked: Search) -> dict[str, Any]:
    key, use = one.key, one.use
    entry = entry_of(key)
    entry["licenseStatus"]["expired"] = key.is_expired(asked.today)
    entry["installCount"] = use.installs
    entry["overQuotaCount"] = over_quota(key, use)
    entry["dateLastSeen"] = None if use.last_seen is None else use.last_seen.isoformat()
    return entry
