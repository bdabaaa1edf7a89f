"""`filters` of a search in the license key registry (chapter 07): all of them must hold; absent = all keys."""

from odometer.licenses.wire import LicenseTypeForm, LicenseTypesForm, NoDateForm, RegistryFilters
from odometer.model.calendar import parse_day
from odometer.model.licenses import NO_DAY, DaySpan, KeyFilters, Span
from odometer.selection.filters import days_between
from odometer.selection.reading import Language, as_pattern
from odometer.selection.wire import (
    DateForm,
    DateRangeForm,
    NumberForm,
    NumberRangeForm,
    RegexForm,
    StringArrayForm,
    StringForm,
)


def parse_key_filters(given: RegistryFilters | None, language: Language, path: str = "filters") -> KeyFilters:
    """The filters of a request. Raises `Problem` naming the member at fault."""
    if given is None:
        return KeyFilters()
    key = given.license_key
    statuses = given.license_status
    return KeyFilters(
        keys=_texts(key),
        pattern=as_pattern(key.value, f"{path}.licenseKey.value", language) if isinstance(key, RegexForm) else None,
        types=_texts(given.license_type),
        statuses=None if statuses is None else tuple(one.short_flags for one in statuses),
        added=_days(given.added_date, f"{path}.addedDate", language),
        expiry=NO_DAY
        if isinstance(given.expiry_date, NoDateForm)
        else _days(given.expiry_date, f"{path}.expiryDate", language),
        auto_collected=given.auto_collected,
        quota=_span(given.install_quota),
        installs=_span(given.install_count),
        over_quota=_span(given.over_quota_count),
    )


def _texts(given: object) -> tuple[str, ...] | None:
    match given:
        case StringForm(value=text) | LicenseTypeForm(value=text):
            return (text,)
        case StringArrayForm(value=texts) | LicenseTypesForm(value=texts):
            return tuple(dict.fromkeys(texts))
    return None


def _days(given: DateForm | DateRangeForm | None, path: str, language: Language) -> DaySpan | None:
    if given is None:
        return None
    if isinstance(given, DateForm):
        day = parse_day(given.value, today=language.today, field=f"{path}.value")
        return DaySpan(day, day)
    days = days_between(given, path, language.today)
    return DaySpan(days.first, days.last)


def _span(given: NumberForm | NumberRangeForm | None) -> Span | None:
    if given is None:
        return None
    return Span(given.value, given.value) if isinstance(given, NumberForm) else Span(given.min, given.max)
