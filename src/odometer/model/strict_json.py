"""JSON as contract 00 reads it: no key twice, no NaN, no lone surrogates; fractions stay exact decimals."""

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from odometer.errors import Problem

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


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

    Raises `Problem` MALFORMED_JSON for anything else than one well-formed UTF-8 document.
    """
    value = decode(body)
    if may_hold_half_pairs(body):
        check_text(value)
    return value


def decode(body: bytes) -> Any:  # noqa: ANN401 - JSON is any of seven types
    """As `parse`, but texts may hold half of a surrogate pair: the caller uses `check_text` part by part."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Problem("MALFORMED_JSON", f"The text is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise Problem("MALFORMED_JSON", "The JSON text is nested too deeply.") from error
    except ArithmeticError as error:
        raise Problem("MALFORMED_JSON", "A number has an exponent beyond all reason.") from error
    except ValueError as error:
        raise Problem("MALFORMED_JSON", f"The text is not valid JSON: {error}.") from error


def may_hold_half_pairs(body: bytes) -> bool:
    """Whether the text has escapes that could stand for half of a surrogate pair."""
    return _SURROGATE.search(body) is not None


def check_text(value: Any) -> None:  # noqa: ANN401 - JSON is any of seven types
    """Raise `Problem` MALFORMED_JSON when a text in the value cannot be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Problem("MALFORMED_JSON", "A text holds half of a surrogate pair.") from error
