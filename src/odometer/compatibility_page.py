"""Makes docs/compatibility.md from the marks of operations and error codes: `make description` renews it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from odometer.description import server_description
from odometer.errors import ERROR_CODES
from odometer.http.openapi_document import STANDING
from odometer.model.compatibility import Topic

_INTRODUCTION: Final = """\
# Compatibility

Odometer speaks the Usage Intelligence Reporting API v3: scripts and client packages written for it work when their base
URL changes. This page says what of it is **settled** (public clients or public documentation depend on it: it is never
changed) and what is **our decision** (they are silent: it may be improved, and the [changelog](../CHANGELOG.md) tells).

It is made from marks that stand beside every operation in the code, by `make description`; a test keeps it true.

## Pointing an existing script at Odometer

1. Change the base URL to your server's. Paths and bodies stay.
2. Keep the product ids: `odometer product add NAME --id ID`.
3. Make a user (`odometer user add`, `odometer user grant`) and put its name and password where the old ones were. Or
   send an [API token](authentication.md#api-tokens) as `Authorization: Bearer ...`: it needs no login, no cookie and
   no Origin.

What holds for every operation, settled:

- Success is 200 or 204 and nothing else. JSON is ASCII with `\\uXXXX`; data stands under `result` without a status
  wrapper, where the tables below name nothing else. The order of dates and bins is the order of keys.
- `request-csrf`, `auth/web`, then the cookies `RUI-Csrf` and `RUI-Session-Token` with every call; no CSRF header is
  required. The Origin `https://analytics.revenera.com` is accepted. The headers `RUI-Client` and `RUI-Client-Version`,
  and the older members `user`, `sessionId` and `productId` of bodies, change nothing.
- Days are UTC days, both ends of a range count, weeks start on Monday; `NOW` and `NOW-<n>` are dates. In data, filters
  and answers the empty string and `<NULL>` are null. Patterns are RE2 and match in full.
- [Filters, segments and levels](filters.md) are one language: string, stringArray, regex, number, numberRange,
  dateRange, boolean; `split`, `segmentLabel`, `limit`, `includeNull`; at most three levels.

What a script may notice:

- Errors have one shape and the codes at the end of this page. A property or key that filters do not know, and filters
  or segments for a report that has none, are 400 instead of being ignored: an unfiltered answer would mislead.
- Limits: 4 MiB a body, 60 seconds a report, 4 reports of a user at once, 10 failed logins in 15 minutes;
  [settings](settings.md) change them.
- Permissions are per user and product; a product that a user may not see is 404.
- Data comes in by [our own protocol](collecting.md) or by [import](import.md), not by the vendor's SDK.
"""
_PAGES: Final[dict[Topic, tuple[str, ...]]] = {
    Topic.SESSIONS: ("authentication.md",),
    Topic.METADATA: ("metadata.md", "events.md"),
    Topic.GENERIC: ("reports.md", "filters.md"),
    Topic.EVENTS: ("event-reports.md",),
    Topic.ENGAGEMENT: ("engagement.md",),
    Topic.CLIENTS: ("clients.md", "exports.md"),
    Topic.LICENSES: ("licenses.md",),
    Topic.LINES: ("raw-data.md",),
}
_OF_PRODUCT: Final = "/{product_id}"


@dataclass(frozen=True, slots=True)
class Operation:
    """Routes that are one operation: the same path, with or without a product, under the same mark.

    `compatibility` is the mark as the API description has it; empty outside /v3, where everything is ours.
    """

    routes: tuple[str, ...]
    title: str
    description: str
    compatibility: Mapping[str, str]

    @property
    def is_settled(self) -> bool:
        """Public clients know it."""
        return bool(self.compatibility.get("settled"))


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI document, in its order."""
    found: dict[tuple[str, ...], Operation] = {}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            compatibility, description = described.get(STANDING, {}), described["description"]
            # With a mark, routes may differ in title and description: the first tells.
            key = (path.removesuffix(_OF_PRODUCT), *(compatibility.values() or (description,)))
            first = found.setdefault(key, Operation((), described["summary"], description, compatibility))
            routes = sorted((*first.routes, f"{method.upper()} {path}"))  # the document's order of methods varies
            found[key] = Operation(tuple(routes), first.title, first.description, compatibility)
    return list(found.values())


def compatibility_page(document: Mapping[str, Any]) -> str:
    """The Markdown page for an OpenAPI document."""
    operations = operations_of(document)
    settled = [one for one in operations if one.is_settled]
    own = sorted((one for one in operations if not one.is_settled), key=lambda one: not one.compatibility)
    lines = [_INTRODUCTION, f"## The {len(settled)} operations of v3"]
    for topic in Topic:
        pages = ", ".join(f"[{page}]({page})" for page in _PAGES[topic])
        rows = [
            (_routes(one), one.title, one.compatibility["settled"], one.compatibility["ours"])
            for one in settled
            if one.compatibility["topic"] == topic
        ]
        lines += ["", f"### {topic}", "", f"How to ask: {pages}.", ""]
        lines += _table(("operation", "what it is", "settled", "our decision"), rows)
    lines += ["", "## Operations of our own", "", "No public client knows them; they stand beside the v3 surface.", ""]
    further = [(_routes(one), one.title, one.compatibility.get("ours") or one.description) for one in own]
    lines += [*_table(("operation", "what it is", "more"), further), "", *_errors()]
    return "\n".join(lines) + "\n"


def _errors() -> Iterator[str]:
    yield from (
        "## Errors",
        "",
        "Codes, messages and the shape of an error ([example](authentication.md#errors)) are our decision.",
        "",
    )
    rows = [(f"`{name}`", str(code.status), code.meaning, code.settled) for name, code in ERROR_CODES.items()]
    yield from _table(("code", "status", "when it is answered", "settled"), rows)


def _routes(operation: Operation) -> str:
    return "<br>".join(f"`{route}`" for route in operation.routes)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _main() -> None:
    """Print the page for this server, composed on empty stores."""
    print(compatibility_page(server_description()), end="")  # noqa: T201 - its output is the page


if __name__ == "__main__":
    _main()
