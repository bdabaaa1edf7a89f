"""What can be set for a product: one table of members, read strictly, changed all or nothing."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final, Literal, cast

from typing_extensions import TypedDict

from odometer.errors import Problem, invalid
from odometer.model.events import FLAGS_OF_NEW, EventFlags
from odometer.model.properties import CATALOGUE, CUSTOM_SLOTS, CUSTOM_TYPES

MAX_NAME: Final = 200
MAX_LABEL: Final = 100
MAX_DAYS_UNTIL_LOST: Final = 365
_MANY: Final = 1_000_000
_FIRST_NEW_EVENTS: Final = "advanced"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STANDARD_LABELS: Final = frozenset(prop.friendly_name for prop in CATALOGUE)


class CustomPropertySettings(TypedDict):
    """What a product calls one of its custom properties, and of which type it is."""

    label: str
    type: Literal[1, 2, 3]


class ProductSettings(TypedDict):
    """All settings of a product."""

    name: str
    daysUntilDeclaredLost: int
    oldestDate: str | None
    newEvents: Literal["advanced", "basic", "inactive"]
    licenseStatusSource: Literal["client", "registry"]
    collectLicenseKeys: bool
    rawExport: bool
    rawExportFormats: list[Literal["csv", "parquet"]]
    customProperties: dict[str, CustomPropertySettings]


@dataclass(frozen=True, slots=True)
class CustomProperty:
    """What a product calls one of its custom properties.

    Attributes:
        label: the friendly name; the slot's own name when none was given.
        type: 1 few values, 2 many values, 3 identifier of a user or site, which groups and has no value list.

    """

    label: str
    type: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product and its settings.

    Attributes:
        product_id: what callers put into paths.
        name: what it is called.
        days_until_declared_lost: N where a request names none.
        oldest_date: requests before this day are refused; None = no limit.
        custom_properties: by slot.
        new_events: whether a new event is listed in advanced reports, basic ones only, or none.
        license_status_source: `client` or `registry` (chapter 07).
        collect_license_keys: keys first seen from clients enter the registry (chapter 07).
        raw_export: files of raw events are offered (chapter 08).
        raw_export_formats: which files, of `csv` and `parquet`.
        new_events_since: every change of `new_events`: when (milliseconds since 1970), and to what.

    """

    product_id: int
    name: str
    days_until_declared_lost: int = 40
    oldest_date: dt.date | None = None
    custom_properties: Mapping[str, CustomProperty] = field(default_factory=dict)
    new_events: str = _FIRST_NEW_EVENTS
    license_status_source: str = "client"
    collect_license_keys: bool = True
    raw_export: bool = True
    raw_export_formats: tuple[str, ...] = ("csv",)
    new_events_since: tuple[tuple[int, str], ...] = ()

    def flags_of_new(self, received_ms: int) -> EventFlags:
        """The flags of an event that was first received at this moment (chapter 01, newEvents)."""
        said = [value for since_ms, value in self.new_events_since if since_ms <= received_ms]
        return FLAGS_OF_NEW[said[-1] if said else _FIRST_NEW_EVENTS]

    @property
    def is_license_registry_decisive(self) -> bool:
        """Whether the registry decides over license types and flags that clients report (chapter 07)."""
        return self.license_status_source == "registry"

    @property
    def custom_types(self) -> dict[str, int]:
        """The type of each custom property that is set up, by slot."""
        return {slot: custom.type for slot, custom in self.custom_properties.items()}


def _name(value: object, path: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not 0 < len(text) <= MAX_NAME or "\0" in text:
        raise invalid(path, f"A product's name has 1 to {MAX_NAME} characters.")
    return text


def _whole(value: object) -> int | None:
    """A whole number of JSON; 30.0 is one, true and "30" are not (chapter 00)."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value in range(_MANY):
        return int(value)
    return None


def _days(value: object, path: str) -> int:
    days = _whole(value)
    if days is None or not 1 <= days <= MAX_DAYS_UNTIL_LOST:
        raise invalid(path, f"Must be a whole number from 1 to {MAX_DAYS_UNTIL_LOST}.")
    return days


def _day(value: object, path: str) -> dt.date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise invalid(path, "Must be a date YYYY-MM-DD.")
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise invalid(path, f"{value!r} is not a day of the calendar.") from None


def _flag(value: object, path: str) -> bool:
    if type(value) is not bool:
        raise invalid(path, "Must be true or false.")
    return value


def _one_of(*choices: str) -> Callable[[object, str], str]:
    def read(value: object, path: str) -> str:
        if value not in choices:
            raise invalid(path, f"Must be one of {', '.join(choices)}.")
        return str(value)

    return read


_CUSTOM: Final = "customProperties"
_FORMATS: Final = "rawExportFormats"


def _some_of(*choices: str) -> Callable[[object, str], tuple[str, ...]]:
    """Reads a list of one or more of the choices; it is kept in their order, each once."""

    def read(value: object, path: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or any(one not in choices for one in value):
            raise invalid(path, f"Must be a list of one or more of {', '.join(choices)}.")
        return tuple(one for one in choices if one in value)

    return read


# API name of each setting: the member of `Product` that holds it, and how a value is read.
_SETTINGS: Final[dict[str, tuple[str, Callable[[object, str], Any]]]] = {
    "name": ("name", _name),
    "daysUntilDeclaredLost": ("days_until_declared_lost", _days),
    "oldestDate": ("oldest_date", _day),
    "newEvents": ("new_events", _one_of(*FLAGS_OF_NEW)),
    "licenseStatusSource": ("license_status_source", _one_of("client", "registry")),
    "collectLicenseKeys": ("collect_license_keys", _flag),
    "rawExport": ("raw_export", _flag),
    _FORMATS: ("raw_export_formats", _some_of("csv", "parquet")),
}
SETTING_NAMES: Final = (*_SETTINGS, _CUSTOM)


def settings_of(product: Product) -> ProductSettings:
    """The settings by API name, as JSON."""
    found: dict[str, Any] = {name: getattr(product, member) for name, (member, _) in _SETTINGS.items()}
    found[_FORMATS] = list(product.raw_export_formats)
    found["oldestDate"] = product.oldest_date.isoformat() if product.oldest_date else None
    found[_CUSTOM] = {
        slot: {"label": custom.label, "type": custom.type} for slot, custom in sorted(product.custom_properties.items())
    }
    return cast("ProductSettings", found)


def with_stored(product: Product, stored: Mapping[str, Any]) -> Product:
    """The product with settings as `settings_of` gave them once; unknown ones are left out, nothing is refused.

    What was valid when it was stored has to stay readable: else one label that a later catalogue takes for itself
    would lock everybody out.
    """
    values = {member: stored[name] for name, (member, _) in _SETTINGS.items() if name in stored}
    if _FORMATS in stored:
        values["raw_export_formats"] = tuple(stored[_FORMATS])
    customs = {slot: CustomProperty(**custom) for slot, custom in stored.get(_CUSTOM, {}).items()}
    return replace(product, **values, custom_properties=customs)


def changed(product: Product, changes: Mapping[str, Any]) -> Product:
    """The product with these settings changed; null sets one back to its default. Raises `Problem` naming the member.

    `customProperties` is merged by slot: slots that are not named stay, a slot set to null is set back.
    """
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name == _CUSTOM:
            values["custom_properties"] = _customs(product, value)
        elif name in _SETTINGS:
            member, read = _SETTINGS[name]
            values[member] = _default(member, name) if value is None else read(value, name)
        else:
            raise invalid(name[:64], f"There is no such setting; known are {', '.join(SETTING_NAMES)}.")
    return replace(product, **values)


def _default(member: str, name: str) -> Any:  # noqa: ANN401 - the member's type
    default = next(item.default for item in fields(Product) if item.name == member)
    if default is MISSING:
        raise Problem("MISSING_FIELD", "This setting cannot be removed.", field=name)
    return default


def _customs(product: Product, value: object) -> dict[str, CustomProperty]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(_CUSTOM, "Must be an object of slots.")
    found = dict(product.custom_properties)
    for slot, given in value.items():
        path = f"{_CUSTOM}.{slot[:64]}"
        if slot not in CUSTOM_SLOTS:
            raise invalid(path, f"The slots are {CUSTOM_SLOTS[0]} to {CUSTOM_SLOTS[-1]}.")
        if given is None:
            found.pop(slot, None)
        else:
            found[slot] = _custom(slot, found.get(slot, CustomProperty(slot)), given, path)
    _check_labels(found)
    return found


def _custom(slot: str, old: CustomProperty, value: object, path: str) -> CustomProperty:
    if not isinstance(value, dict) or not value.keys() <= {"label", "type"}:
        raise invalid(path, "Must be an object with label, type or both.")
    label = value.get("label", old.label)
    label = slot if label is None else label.strip() if isinstance(label, str) else ""
    if not 0 < len(label) <= MAX_LABEL or "\0" in label:
        raise invalid(f"{path}.label", f"A label has 1 to {MAX_LABEL} characters.")
    given = value.get("type", old.type)
    kind = 1 if given is None else _whole(given)
    if kind is None or kind not in CUSTOM_TYPES:
        raise invalid(f"{path}.type", "Must be 1 (few values), 2 (many values) or 3 (identifier).")
    return CustomProperty(label, kind)


def _check_labels(customs: Mapping[str, CustomProperty]) -> None:
    """Clients select properties by their friendly name: it is unique within a product (chapter 01)."""
    taken = (_STANDARD_LABELS - set(CUSTOM_SLOTS)) | (set(CUSTOM_SLOTS) - customs.keys())
    for slot, custom in customs.items():
        if custom.label in taken:
            raise invalid(f"{_CUSTOM}.{slot}.label", f"Another property is called {custom.label!r} already.")
        taken |= {custom.label}
