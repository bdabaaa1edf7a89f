"""Connections within bounds: whoever stops half way gives up the place, and there are only so many places."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import h11
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from odometer.errors import Problem
from odometer.http.answers import json_bytes, problem_answer

# A connection this young may still be sending its first bytes; an older one without a request makes room for others.
_YOUNG_S: Final = 0.25
# Beyond the limit so many more are told that the server is busy; after that connections are closed without a word.
_TOLD: Final = 100
_RETRY_AFTER_S: Final = 5


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may take.

    Attributes:
        most: connections at the same time; more are answered 503.
        head_seconds: from the start of the connection, or the answer before, to the end of a request's head.
        body_seconds: for a request's body.
        stall_seconds: without a byte of the body coming in, or of the answer going out.

    """

    most: int = 1000
    head_seconds: float = 10
    body_seconds: float = 120
    stall_seconds: float = 20


class BoundedConnection(H11Protocol):
    """A connection that knows what it waits for, and since when."""

    def __init__(self, limits: ConnectionLimits, **given: Any) -> None:  # noqa: ANN401 - uvicorn's own arguments
        super().__init__(**given)
        self._limits = limits
        self._since = self._last_byte = time.monotonic()
        self._unsent = (0, self._since)

    @property
    def is_between_requests(self) -> bool:
        """No request has arrived whole up to its body, and none is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place, that of the oldest connection without a request if there is no other."""
        super().connection_made(transport)
        too_many = len(self.connections) - self._limits.most
        if too_many <= 0 or self._make_room():
            return
        if too_many > _TOLD:
            transport.abort()
            return
        self.app = _busy

    def _make_room(self) -> bool:
        now = time.monotonic()
        waiting = [
            one
            for one in self.connections
            if isinstance(one, BoundedConnection) and one.is_between_requests and now - one._since > _YOUNG_S
        ]
        if not waiting:
            return False
        min(waiting, key=lambda one: one._since).give_up()
        return True

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        was_between = self.is_between_requests
        self._last_byte = time.monotonic()
        super().data_received(data)
        if was_between and not self.is_between_requests:
            self._since = self._last_byte

    def on_response_complete(self) -> None:
        """The connection waits for its next request."""
        self._since = time.monotonic()
        super().on_response_complete()

    def look(self, now: float) -> None:
        """Give up when the caller has taken longer than allowed; called about once a second."""
        if self.transport.is_closing():
            return
        if self._is_late(now):
            self.give_up()
        elif self._is_stuck(now):
            self.transport.abort()

    def _is_late(self, now: float) -> bool:
        if self.is_between_requests:
            return now - self._since > self._limits.head_seconds
        # While reading is paused it is we who have not taken yet what was sent.
        if self.conn.their_state is not h11.SEND_BODY or self.flow.read_paused:
            return False
        return (
            now - self._last_byte > self._limits.stall_seconds
            or now - self._since > self._limits.head_seconds + self._limits.body_seconds
        )

    def _is_stuck(self, now: float) -> bool:
        """Whether the caller does not take the answer: what waits to be sent has not become less."""
        size = self.transport.get_write_buffer_size()
        before, since = self._unsent
        if size == 0 or size < before or before == 0:
            self._unsent = (size, now)
            return False
        return now - since > self._limits.stall_seconds

    def give_up(self) -> None:
        """Say 408 where nothing was answered yet, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.is_idle:
            self._say_timeout()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Nothing of a request has been received."""
        return self.is_between_requests and not self.conn.trailing_data[0]

    def _say_timeout(self) -> None:
        problem = Problem("REQUEST_TIMEOUT", "The request did not arrive in time.")
        content = json_bytes({"error": {"code": problem.code, "message": problem.message}})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=problem.status, headers=headers, reason=b"Request Timeout"),
            h11.Data(data=content),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")


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
    problem = Problem("BUSY", "Too many connections; try again later.", retry_after_s=_RETRY_AFTER_S)
    answer = problem_answer(Request(scope), problem)
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
