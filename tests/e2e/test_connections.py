"""Connections that stop half way are given up, and there are only so many; a real server, spoken to byte by byte."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.process import Installation

pytestmark = pytest.mark.e2e
LIMITS = {
    "ODOMETER_MAX_CONNECTIONS": "20",
    "ODOMETER_REQUEST_HEAD_SECONDS": "2",
    "ODOMETER_REQUEST_BODY_SECONDS": "4",
    "ODOMETER_STALL_SECONDS": "2",
}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("connections") / "data", today="2031-06-19")
    installation.environment |= LIMITS
    installation.start()
    yield installation
    installation.stop()


@contextlib.contextmanager
def connection(server: Installation) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as opened:
        yield opened


def all_of(opened: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := opened.recv(65536):
            found += piece
    return found


def status_of(answer: bytes) -> str:
    return answer.split(b" ", 2)[1].decode()


def error_in(answer: bytes) -> dict[str, str]:
    """The error of an answer, after checking that it has the one shape, also where no application answered."""
    head, _, body = answer.partition(b"\r\n\r\n")
    error: dict[str, str] = json.loads(body)["error"]
    assert set(error) == {"code", "message", "requestId"}
    assert f"x-request-id: {error['requestId']}".encode() in head.lower()
    return error


def asked(server: Installation, request: bytes) -> bytes:
    with connection(server) as opened:
        opened.sendall(request)
        return all_of(opened)


@pytest.mark.parametrize(
    "half",
    [
        b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{",
    ],
)
def test_a_request_that_never_ends_is_answered_408_and_closed(server: Installation, half: bytes) -> None:
    with connection(server) as opened:
        opened.sendall(half)
        answer = all_of(opened)

    assert status_of(answer) == "408"
    assert error_in(answer)["code"] == "REQUEST_TIMEOUT"


def test_a_body_that_trickles_in_has_an_end_too(server: Installation) -> None:
    with connection(server) as opened:
        opened.sendall(b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n")
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 14:
                opened.sendall(b" ")
                time.sleep(0.5)

    assert time.monotonic() - start < 14


def test_a_connection_without_a_request_is_closed_without_a_word(server: Installation) -> None:
    with connection(server) as opened:
        assert all_of(opened) == b""


def test_the_next_request_on_a_connection_has_the_same_time(server: Installation) -> None:
    with connection(server) as opened:
        opened.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(opened.recv(65536)) == "200"
        opened.sendall(b"GET /healthz HTTP/1.1\r\nHost")
        assert status_of(all_of(opened)) == "408"


def test_half_sent_requests_make_room_for_whole_ones(server: Installation) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            opened = stack.enter_context(connection(server))
            with contextlib.suppress(OSError):
                opened.sendall(b"GET /healthz HTTP/1.1\r\nHost")
        time.sleep(0.5)

        assert status_of(asked(server, HEALTH)) == "200"


def test_who_finds_all_places_taken_is_told_to_come_again(server: Installation) -> None:
    head = f"POST /collect/v1/{server.product}/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            opened = stack.enter_context(connection(server))
            opened.sendall(head.encode() + b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.2)
        answer = asked(server, HEALTH)

    assert status_of(answer) == "503"
    assert b"retry-after: 5" in answer.lower()
    assert error_in(answer)["code"] == "BUSY"
    assert status_of(asked(server, HEALTH)) == "200"


def test_a_body_in_chunks_of_a_byte_is_refused_early(server: Installation) -> None:
    """Each chunk costs the parser as much as a whole body: one such caller kept everybody waiting for a second."""
    head = b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = asked(server, head + b"1\r\n \r\n" * 3_000)

    assert status_of(answer) == "400"
    assert "chunks that are too small" in error_in(answer)["message"]


def test_a_body_in_sensible_chunks_is_taken(server: Installation) -> None:
    head = b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    body = b"".join(b"64\r\n" + b" " * 100 + b"\r\n" for _ in range(40)) + b"0\r\n\r\n"

    assert status_of(asked(server, head + body)) == "204"


@pytest.mark.parametrize(("count", "status"), [(100, "200"), (200, "400"), (12_000, "400")])
def test_a_request_has_so_many_headers_and_no_more(server: Installation, count: int, status: str) -> None:
    few = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

    assert status_of(asked(server, few + b"a:b\r\n" * count + b"\r\n")) == status


def test_who_sends_too_much_can_still_read_why(server: Installation) -> None:
    head = b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n"
    with connection(server) as opened:
        opened.sendall(head + b" " * 3_000_000)
        answer = all_of(opened)

    assert status_of(answer) == "413"
    assert b'"BODY_TOO_LARGE"' in answer


def test_a_body_slower_than_the_least_rate_is_given_up(server: Installation) -> None:
    with connection(server) as opened:
        opened.sendall(b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n")
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 10:
                opened.sendall(b" ")
                time.sleep(0.2)

    assert time.monotonic() - start < 6


def test_who_does_not_take_the_answer_is_given_up(server: Installation) -> None:
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        opened.settimeout(15)
        opened.connect(("127.0.0.1", server.port))
        # More answers than the system's buffers take.
        opened.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
        time.sleep(8)
        taken = b""
        with contextlib.suppress(OSError):
            while piece := opened.recv(65536):
                taken += piece

    assert taken.count(b"HTTP/1.1 200") < 60


def test_trickling_bodies_make_room_for_whole_requests(server: Installation) -> None:
    head = b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connection(server)).sendall(head)
        time.sleep(1.3)

        assert status_of(asked(server, HEALTH)) == "200"


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ],
)
def test_a_request_with_two_ends_is_refused_and_the_connection_closed(server: Installation, framing: bytes) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    answer = asked(server, b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\n" + framing + smuggled)

    assert status_of(answer) == "400"
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()


def test_two_different_lengths_are_refused(server: Installation) -> None:
    head = b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n"

    assert status_of(asked(server, head + b"    ")) == "400"
