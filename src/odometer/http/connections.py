"""Connections within bounds: whoever stops half way gives up the place, and there are only so many places."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import h11
import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from odometer.errors import Problem
from odometer.http.answers import new_request_id, problem_answer

_LOG: Final = structlog.get_logger("odometer.http")
# A connection this young may still be sending its first bytes; an older one without a request makes room for others.
_YOUNG_S: Final = 0.25
# Beyond the limit so many more are told that the server is busy; after that connections are closed without a word.
_TOLD: Final = 100
_RETRY_AFTER_S: Final = 5
# So much is parsed in one go: the parser takes its time for every header and every chunk.
_SLICE: Final = 16 * 1024
_MOST_HEADERS: Final = 128
# Chunks have to be worth their while: one end of line for so many bytes of a body, beside a few for nothing.
_BYTES_PER_LINE_END: Final = 32
_FREE_LINE_ENDS: Final = 256
# How long the rest of a body is thrown away whose request is answered, so that its sender can read the answer.
_DISCARD_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may take.

    Attributes:
        most: connections at the same time; more are answered 503.
        head_seconds: from the start of the connection, or the answer before, to the end of a request's head.
        body_seconds: for a request's body.
        stall_seconds: without a byte of the body coming in.
        least_rate: bytes a second that a body has to come in, after `head_seconds`, and that an answer has to be taken.

    """

    most: int = 1000
    head_seconds: float = 10
    body_seconds: float = 120
    stall_seconds: float = 20
    least_rate: int = 2048


class _CountingTransport:
    """A transport that knows how much was given to it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.written = 0

    def write(self, data: bytes) -> None:
        """Count and send."""
        self.written += len(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._transport, name)


class BoundedConnection(H11Protocol):
    """A connection that knows what it waits for, and since when."""

    transport: Any

    def __init__(self, limits: ConnectionLimits, **given: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments
        super().__init__(**given)
        self._limits = limits
        self._since = self._last_byte = self._taken_since = time.monotonic()
        self._received = self._line_ends = self._taken = 0
        self._waiting: deque[bytes] = deque()
        self._is_chunked = self._discards = False

    @property
    def is_between_requests(self) -> bool:
        """No request has arrived whole up to its body, and none is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _is_receiving(self) -> bool:
        return not self.is_between_requests and self.conn.their_state is h11.SEND_BODY

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, that of a connection that makes the least of it if there is no other."""
        super().connection_made(_CountingTransport(transport))  # type: ignore[arg-type]
        too_many = len(self.connections) - self._limits.most
        if too_many <= 0 or self._make_room():
            return
        if too_many > _TOLD:
            transport.abort()
            return
        self.app = _busy

    def _make_room(self) -> bool:
        now = time.monotonic()
        idle = [one for one in self.connections if isinstance(one, BoundedConnection) and one._may_go(now)]
        if not idle:
            return False
        min(idle, key=lambda one: one._since).give_up()
        return True

    def _may_go(self, now: float) -> bool:
        """Whether others need the place more: no request after a moment, or a body that trickles in."""
        age = now - self._since
        if self.is_between_requests:
            return age > _YOUNG_S
        return self._is_receiving and age > 1 and self._received < age * self._limits.least_rate

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, parsed little by little so that nobody waits long for one connection."""
        self._last_byte = time.monotonic()
        if self._discards:
            return
        if self._waiting or len(data) > _SLICE:
            if not self._waiting:
                self.transport.pause_reading()
                self.loop.call_soon(self._feed)
            self._waiting.extend(data[start : start + _SLICE] for start in range(0, len(data), _SLICE))
            return
        self._parse(data)

    def _feed(self) -> None:
        if self._waiting and not self.transport.is_closing():
            self._parse(self._waiting.popleft())
        if self._discards or self.transport.is_closing():
            self._waiting.clear()
        if self._waiting:
            self.loop.call_soon(self._feed)
        elif not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def _parse(self, data: bytes) -> None:
        """Let the parser see the bytes, unless it would cost too much to look at them."""
        was_between = self.is_between_requests
        body = data
        if was_between:
            head, end, body = (self.conn.trailing_data[0] + data).partition(b"\r\n\r\n")
            if head.count(b"\n") > _MOST_HEADERS:
                self.send_400_response("Too many headers.")
                return
            self._received = self._line_ends = 0
            self._is_chunked = bool(end) and b"transfer-encoding" in head.lower()
        self._received += len(body)
        if self._is_chunked:
            self._line_ends += body.count(b"\r\n")
            if self._line_ends > _FREE_LINE_ENDS + self._received // _BYTES_PER_LINE_END:
                self.send_400_response("The body comes in chunks that are too small.")
                return
        super().data_received(data)
        if was_between and not self.is_between_requests:
            self._since = self._last_byte

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or would cost too much to read, and close."""
        if self._refuse(Problem("MALFORMED_JSON", msg)):
            self._leave_application()
            self.transport.close()
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """The connection waits for its next request; one whose body was not wanted is closed."""
        self._since = time.monotonic()
        if self.conn.their_state is not h11.SEND_BODY or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self._discards = True
        # What is still under way is thrown away for a while: closed at once, its sender might never see the answer.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    def look(self, now: float) -> None:
        """Give up when the caller has taken longer than allowed; called about once a second."""
        if self.transport.is_closing():
            return
        if self._discards:
            if now - self._since > _DISCARD_S:
                self.transport.abort()
        elif self._is_late(now):
            self.give_up()
        elif self._is_stuck(now):
            self.transport.abort()

    def _is_late(self, now: float) -> bool:
        age = now - self._since
        if self.is_between_requests:
            return age > self._limits.head_seconds
        # While reading is paused it is we who have not taken yet what was sent.
        if not self._is_receiving or self.flow.read_paused or self._waiting:
            return False
        return (
            now - self._last_byte > self._limits.stall_seconds
            or age > self._limits.head_seconds + self._limits.body_seconds
            or (age > self._limits.head_seconds and self._received < age * self._limits.least_rate)
        )

    def _is_stuck(self, now: float) -> bool:
        """Whether the caller takes the answer too slowly: what waits to be sent keeps a place and memory."""
        left = self.transport.get_write_buffer_size()
        taken = self.transport.written - left
        if left == 0 or taken - self._taken >= self._limits.least_rate * self._limits.stall_seconds:
            self._taken, self._taken_since = taken, now
            return False
        return now - self._taken_since > self._limits.stall_seconds

    def give_up(self) -> None:
        """Say 408 where a request has begun and nothing was answered yet, and close."""
        if not self.is_between_requests or self.conn.trailing_data[0]:
            self._refuse(Problem("REQUEST_TIMEOUT", "The request did not arrive in time."))
        self._leave_application()
        self.transport.close()

    def _leave_application(self) -> None:
        """Whoever answers the request hears that its caller is gone."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _refuse(self, problem: Problem) -> bool:
        """Answer in place of the application, in its shape; False where an answer has begun already."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return False
        request_id = new_request_id()
        answer = problem_answer(Request({"type": "http", "state": {"request_id": request_id}}), problem)
        reason = HTTPStatus(problem.status).phrase.encode()
        headers = [*answer.raw_headers, (b"x-request-id", request_id.encode()), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=problem.status, headers=headers, reason=reason),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        _LOG.info("request", request_id=request_id, status=problem.status, refused=problem.message)
        return True


def look_after(state: ServerState) -> None:
    """Give up the connections of a server whose callers take too long."""
    now = time.monotonic()
    for connection in list(state.connections):
        if isinstance(connection, BoundedConnection):
            connection.look(now)


class BoundedConfig(Config):
    """Uvicorn's configuration with connections of this room."""

    def __init__(self, *given: Any, limits: ConnectionLimits, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*given, **named)
        self._limits = limits

    def load(self) -> None:
        """Load, then put our connections in place of uvicorn's."""
        super().load()
        self.http_protocol_class = partial(BoundedConnection, self._limits)  # type: ignore[assignment]


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["request_id"] = request_id = new_request_id()
    problem = Problem("BUSY", "Too many connections; try again later.", retry_after_s=_RETRY_AFTER_S)
    answer = problem_answer(Request(scope), problem)
    answer.headers["Connection"] = "close"
    answer.headers["X-Request-Id"] = request_id
    _LOG.info("request", request_id=request_id, status=problem.status, refused=problem.message)
    await answer(scope, receive, send)
