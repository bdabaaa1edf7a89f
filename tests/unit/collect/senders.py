"""Senders and records that the tests of this room start from."""

from typing import Any

from odometer.collect.records import Sender
from odometer.collect.timestamps import parse_moment

RECEIVED = "2031-06-19T12:00:00Z"
RECEIVED_MS = parse_moment(RECEIVED, "at")
CLIENT = "7F3C09A1BB42D6E8"
LIVE = Sender(CLIENT, "", 0, RECEIVED_MS, 400)
IMPORT = Sender(CLIENT, "", 0, RECEIVED_MS, None)

NEEDED: dict[str, dict[str, Any]] = {
    "session_start": {"sessionId": "run-5521-aaaa"},
    "session_stop": {"sessionId": "run-5521-aaaa"},
    "heartbeat": {},
    "properties": {"set": {}},
    "event": {"name": "Crop"},
    "custom_event": {"name": "Buy", "data": []},
    "exception": {"className": "IOError", "methodName": "open", "message": "", "stackTrace": ""},
    "license": {},
    "opt_out": {},
    "opt_in": {},
    "reachout_delivered": {"campaignId": 41, "mode": "auto"},
}


def live(kind: str, **members: Any) -> dict[str, Any]:
    """A valid live record of the type, with these members."""
    return {"seq": 41, "type": kind, "at": "2031-06-18T22:50:00Z", **NEEDED[kind], **members}


def client_day(**members: Any) -> dict[str, Any]:
    return {"clientId": CLIENT, "type": "client_day", "day": "2031-05-13", **members}


def event_day(**members: Any) -> dict[str, Any]:
    return {"clientId": CLIENT, "type": "event_day", "day": "2031-05-13", "name": "Rotate", **members}
