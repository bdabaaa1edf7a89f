"""What models refuse, as a `Problem`: the path of the member at fault and a sentence for whoever wrote it."""

import re
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from odometer.errors import ERROR_CODES, Problem

T = TypeVar("T")
NAME_SHOWN: Final = 64
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.]{1,64}")
# What a discriminator refuses; it is the member `type` that is missing or wrong.
WRONG_TYPE: Final = "wrong_type"
_SENTENCES: Final = {
    "missing": "This member is required.",
    "int_type": "Must be a whole number.",
    "int_from_float": "Must be a whole number.",
    "float_type": "Must be a number.",
    "decimal_type": "Must be a number.",
    "string_type": "Must be text.",
    "bool_type": "Must be true or false.",
    "list_type": "Must be a list.",
    "tuple_type": "Must be a list.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "too_short": "Must not be empty.",
    "none_required": "Must be null.",
    "extra_forbidden": "There is no such member.",
}


def member_refused(member: str, message: str, code: str = "INVALID_FIELD") -> ValidationError:
    """To be raised by a validator of an object: one of its members is at fault, perhaps by being absent."""
    fault = InitErrorDetails(type=PydanticCustomError(code, message), loc=(member,), input=None)
    return ValidationError.from_exception_data("request", [fault])


def read_as(reader: TypeAdapter[T], value: object, path: str) -> T:
    """The value of a member that stands for itself, such as an option. Raises `Problem` naming what is at fault."""
    try:
        return reader.validate_python(value)
    except ValidationError as error:
        raise problem_of(error, value, path) from error


def problem_of(error: ValidationError, content: object, path: str = "") -> Problem:
    """The first fault that models found in a content, which stands at a path of the request or is the whole."""
    first = error.errors(include_url=False)[0]
    kind, location = first["type"], first["loc"]
    code = kind if kind in ERROR_CODES else "INVALID_FIELD"
    if kind == WRONG_TYPE:
        location = (*location, "type")
        is_object = isinstance(first["input"], dict)
        code = "MISSING_FIELD" if is_object and first["input"].get("type") is None else "INVALID_FIELD"
    elif kind == "missing":
        code = "MISSING_FIELD"
    path = _member_path(location, content, path, ends_absent=code == "MISSING_FIELD")
    return Problem(code, _sentence(kind, dict(first)), field=path or None)


def _sentence(kind: str, error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind in {"enum", "literal_error"}:
        return f"Must be one of {context['expected']}."
    if kind == "too_long":
        return f"Has {context['actual_length']:,} entries; at most {context['max_length']:,} are allowed."
    if kind in ERROR_CODES:
        return str(error["msg"])
    words = str(error["msg"]).removeprefix("Value error, ").removesuffix(".")
    for beginning, ours in (("Input should ", "Must "), ("String should ", "Must ")):
        words = words.replace(beginning, ours, 1) if words.startswith(beginning) else words
    return f"{words}."


def _member_path(location: tuple[str | int, ...], content: object, path: str, *, ends_absent: bool) -> str:
    """`segments[1].limit`: the steps of pydantic's location that lead through the body itself.

    Its other steps name alternatives of a union or validators, which the caller has never heard of.
    """
    here: Any = content
    for position, step in enumerate(location):
        is_absent = ends_absent and position == len(location) - 1
        if isinstance(here, dict) and isinstance(step, str) and (step in here or is_absent):
            path = path_of(path, step)
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            path += f"[{step}]"
            here = here[step]
    return path


def path_of(parent: str, key: str) -> str:
    """The path of a member; a key that is no plain name is shortened and quoted."""
    name = key if _PLAIN_KEY.fullmatch(key) else repr(key[:NAME_SHOWN])
    return f"{parent}.{name}" if parent else name
