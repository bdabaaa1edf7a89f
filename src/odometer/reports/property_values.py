"""propertyValues: the distinct values of a property, in pages, or all that the system knows (chapter 01)."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, NamedTuple, NotRequired

from pydantic import Field, Tag
from typing_extensions import TypedDict

from odometer.errors import Problem, invalid
from odometer.model import languages, places, systems
from odometer.model.compatibility import Compatibility, Topic
from odometer.model.properties import LEVELS, Property
from odometer.reports.definition import Context, Report, ReportRequest
from odometer.selection.reading import NULL_LABEL, Language, as_pattern, is_null_text, named_property
from odometer.selection.wire import RegexForm, StringForm, Text, by_type

PAGE: Final = 1_000


class ListedValue(TypedDict):
    """A value; operating systems have a short name, countries a name."""

    value: str
    shortName: NotRequired[str]
    name: NotRequired[str]


class PropertyValuesAnswer(TypedDict):
    """A page of values; `lastValue` only when more follow."""

    result: list[ListedValue]
    lastValue: NotRequired[str]


ValuesFilter = Annotated[
    Annotated[StringForm, Tag("string")] | Annotated[RegexForm, Tag("regex")], by_type("string", "regex")
]


class PropertyValuesRequest(ReportRequest):
    """What `propertyValues` takes."""

    name: str = Field(alias="property", description="Bare or dotted name.")
    granularity: str | None = Field(default=None, description="The level, for bare os, geography and gpu.")
    filter: ValuesFilter | None = Field(default=None, description="Which values; not for geography.")
    start_after: Text | None = Field(default=None, alias="startAfter", description="lastValue of the page before.")
    get_full_list: bool = Field(
        default=False, alias="getFullList", description="All values the system knows; os, osLanguage, geography."
    )


class _Filter(NamedTuple):
    """A wanted part of the values: one exact text, or a pattern that is searched for."""

    exact: str | None = None
    pattern: str | None = None


def run(request: PropertyValuesRequest, context: Context) -> PropertyValuesAnswer:
    """`result`, up to 1,000 values; `lastValue` only when more follow."""
    prop = _property(request, context)
    wanted = _filter(request.filter, prop, context.language)
    after = request.start_after
    if request.get_full_list:
        values = _known(_full_list(prop), wanted, context)
    elif prop.group == "os":
        values = context.questions.property_values(context.product_id, prop, exact=wanted.exact, pattern=wanted.pattern)
    else:
        values = context.questions.property_values(
            context.product_id,
            prop,
            exact=wanted.exact,
            pattern=wanted.pattern,
            after=after,
            limit=PAGE + 1,
        )
    page = _after(values, after, _order_of(prop))
    answer: PropertyValuesAnswer = {"result": [_entry(prop, value) for value in page[:PAGE]]}
    if len(page) > PAGE:
        answer["lastValue"] = page[PAGE - 1]
    return answer


def _property(request: PropertyValuesRequest, context: Context) -> Property:
    name, level = request.name, request.granularity
    if name in LEVELS:
        if level is None:
            raise Problem("MISSING_FIELD", f"Name a level of {name}: {', '.join(LEVELS[name])}.", field="granularity")
        if level not in LEVELS[name]:
            raise invalid("granularity", f"{name} has the levels {', '.join(LEVELS[name])}.")
        name = f"{name}.{level}"
    elif level is not None and not name.endswith(f".{level}"):
        raise invalid("granularity", f"{name[:64]} has no such level.")
    prop = named_property(name, "property", context.language)
    if not prop.supports_meta(context.custom_types.get(prop.name)):
        raise invalid("property", f"The values of {prop.name} cannot be listed.")
    return prop


def _filter(given: ValuesFilter | None, prop: Property, language: Language) -> _Filter:
    if given is None:
        return _Filter()
    if prop.group == "geography":
        raise invalid("filter", "The values of geography cannot be filtered.")
    if isinstance(given, RegexForm):
        return _Filter(pattern=as_pattern(given.value, "filter.value", language))
    return _Filter(exact=NULL_LABEL if is_null_text(given.value) else given.value)


def _full_list(prop: Property) -> tuple[str, ...]:
    match prop.name:
        case "os.platform" | "os.version" | "os.edition":
            return systems.full_list(prop.granularity)
        case "geography.continent" | "geography.country" | "geography.usState":
            return places.full_list(prop.granularity)
        case "osLanguage":
            return languages.full_list()
        case _:
            raise invalid("getFullList", "Only os, osLanguage and geography have a list of all values.")


def _known(values: Iterable[str], wanted: _Filter, context: Context) -> list[str]:
    if wanted.exact is not None:
        return [value for value in values if value == wanted.exact]
    return list(values) if wanted.pattern is None else context.questions.matching(values, wanted.pattern)


def _order_of(prop: Property) -> Callable[[str], Any]:
    """Code point order, operating systems in the order of their release, null after them."""
    if prop.group != "os":
        return str
    return lambda value: (value == NULL_LABEL, systems.release_order(value))


def _after(values: Iterable[str], after: str | None, order: Callable[[str], Any]) -> list[str]:
    """The values in order, those up to `after` left out."""
    found = sorted(values, key=order)
    return found if after is None else [value for value in found if order(value) > order(after)]


def _entry(prop: Property, value: str) -> ListedValue:
    entry: ListedValue = {"value": value}
    if value == NULL_LABEL:
        return entry
    if prop.group == "os":
        entry["shortName"] = systems.short_name(value)
    if prop.name == "geography.country":
        entry["name"] = places.country_name(value) or value
    return entry


REPORT = Report(
    path="/v3/meta/propertyValues",
    title="Values of a property",
    description="The distinct values that a property ever had in this product, 1,000 a page.",
    request=PropertyValuesRequest,
    answer=PropertyValuesAnswer,
    run=run,
    example=(
        {"property": "os", "granularity": "version", "filter": {"type": "regex", "value": "Windows"}},
        {"result": [{"value": "Microsoft Windows 11", "shortName": "Win 11"}]},
    ),
    compatibility=Compatibility(
        topic=Topic.METADATA,
        settled=(
            "`property` (bare or dotted), `granularity`, `filter` (a regex is searched for anywhere in the value, a "
            "string is one exact value), `startAfter`, `getFullList`. `result` is an array of objects with `value`, "
            "with `lastValue` beside it."
        ),
        ours=(
            "1,000 values a page, `lastValue` only when more follow. Code point order, operating systems in order of "
            "release. `shortName` only for os, `name` only for countries; `<NULL>` is listed where it occurs; a "
            "property without supportsMeta is 400."
        ),
    ),
)
