"""JSON as chapter 00 reads it: no key twice, no NaN, no lone surrogates; fractions stay exact decimals.

How much a text may hold is bounded before anything is built from it: a few bytes can stand for many values.
"""

import json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

from odometer.errors import Problem

# A filter may name ten thousand texts, an update of the registry ten thousand keys with their members.
MAX_VALUES: Final = 150_000
MAX_DEPTH: Final = 64

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# Everything that neither opens nor closes an array or an object; an open text reaches to the end.
_FLAT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[^\[\]{}"]++', re.DOTALL)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:64]!r} appears twice")
            seen.add(key)
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_constant)


def parse(body: bytes) -> Any:  # noqa: ANN401 - JSON is any of seven types
    """Parse one JSON document; numbers with a fraction or exponent become `Decimal`.

    Raises `Problem` BODY_TOO_LARGE for more than `MAX_VALUES` values, and MALFORMED_JSON for anything else than one
    well-formed UTF-8 document of at most `MAX_DEPTH` levels.
    """
    if value_bound(body) > MAX_VALUES:
        raise Problem("BODY_TOO_LARGE", f"The body holds more than {MAX_VALUES:,} values.")
    value = decode(body)
    if may_hold_half_pairs(body):
        check_text(value)
    return value


def decode(body: bytes) -> Any:  # noqa: ANN401 - JSON is any of seven types
    """As `parse`, but the caller bounds the values and checks texts part by part with `check_text`."""
    _check_depth(body)
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Problem("MALFORMED_JSON", f"The text is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ArithmeticError as error:
        raise Problem("MALFORMED_JSON", "A number has an exponent beyond all reason.") from error
    except ValueError as error:
        raise Problem("MALFORMED_JSON", f"The text is not valid JSON: {error}.") from error


def value_bound(text: bytes) -> int:
    """At least as many as there are values in the text, told at the speed of memory.

    Each value but the first follows a comma or the start of an array or an object. Such signs within texts count too.
    """
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")


def _check_depth(body: bytes) -> None:
    """Raise `Problem` when arrays and objects are nested deeper than `MAX_DEPTH`; broken text is the parser's."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    nested = _FLAT.sub(b"", body)
    for _ in range(MAX_DEPTH):
        without_innermost = nested.replace(b"[]", b"").replace(b"{}", b"")
        if without_innermost == nested:
            return
        nested = without_innermost
    if nested:
        raise _too_deep()


def _too_deep() -> Problem:
    return Problem("MALFORMED_JSON", f"The JSON text is nested too deeply; at most {MAX_DEPTH} levels are read.")


def may_hold_half_pairs(body: bytes) -> bool:
    """Whether the text has escapes that could stand for half of a surrogate pair."""
    return _SURROGATE.search(body) is not None


def check_text(value: Any) -> None:  # noqa: ANN401 - JSON is any of seven types
    """Raise `Problem` MALFORMED_JSON when a text in the value cannot be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Problem("MALFORMED_JSON", "A text holds half of a surrogate pair.") from error
