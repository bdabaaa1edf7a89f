"""Reading request bodies: limits of size and memory, content type, strict JSON, sentences for what models refuse."""

from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from odometer.errors import Problem
from odometer.http.parts import parts_of
from odometer.model import strict_json
from odometer.selection.refusals import problem_of

M = TypeVar("M", bound=BaseModel)

# What all larger bodies may take together while they are received and read; a smaller one always finds a place.
MEMORY_FOR_BODIES: Final = 64 << 20
_ALWAYS_TAKEN: Final = 128 << 10
_RETRY_AFTER_S: Final = 5
_HELD: Final = "held_body"

# Bodies may carry them (chapter 00); they say nothing.
OLDER_MEMBERS: Final = ("user", "sessionId", "productId")


class BodyMemory:
    """Counts the bytes of all larger bodies at hand, from their first byte until their requests are answered."""

    def __init__(self, most: int = MEMORY_FOR_BODIES) -> None:
        self._most = most
        self._taken = 0

    def hold(self, state: dict[str, Any], size: int) -> None:
        """Note that a request's body has so many bytes by now. Raises `Problem` BUSY when all take too much."""
        held = state.get(_HELD, 0)
        if size <= _ALWAYS_TAKEN or size <= held:
            return
        if self._taken - held + size > self._most:
            message = "Too many large bodies arrive at once; send again later."
            raise Problem("BUSY", message, retry_after_s=_RETRY_AFTER_S)
        self._taken += size - held
        state[_HELD] = size

    def release(self, state: dict[str, Any]) -> None:
        """The request is answered."""
        self._taken -= state.pop(_HELD, 0)


async def read_body(request: Request, limit: int) -> bytes:
    """The raw body. Raises `Problem` BODY_TOO_LARGE as soon as it exceeds the limit, announced or not; BUSY."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    memory: BodyMemory = request.app.state.body_memory
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > limit:
                raise _too_large(limit)
            memory.hold(request.scope["state"], len(received))
    except ClientDisconnect:
        raise Problem("MALFORMED_JSON", "The body ended early.") from None
    return bytes(received)


def _too_large(limit: int) -> Problem:
    return Problem("BODY_TOO_LARGE", f"The body is larger than {limit:,} bytes.")


def require_json(request: Request) -> None:
    """Refuse a Content-Type that is not JSON; none at all is accepted."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json.")


async def read_json(request: Request) -> bytes:
    """The body of a call with JSON, which a lane parses. Raises `Problem` for another media type and as `read_body`."""
    require_json(request)
    return await read_body(request, parts_of(request).max_body_bytes)


def parse_body(body: bytes, model: type[M]) -> M:
    """The body as a value of the model; an empty one is {}. Raises `Problem` naming the member at fault."""
    return validated(model, parse_object(body))


def parse_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; an empty one is {}."""
    content = strict_json.parse(body if body.strip() else b"{}")
    if not isinstance(content, dict):
        raise Problem("INVALID_FIELD", "The body must be a JSON object.")
    return content


def validated(model: type[M], content: object) -> M:
    """The parsed JSON as a value of the model. Raises `Problem` naming the member at fault."""
    if not isinstance(content, dict):
        raise Problem("INVALID_FIELD", "The body must be a JSON object.")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise problem_of(error, content) from error
