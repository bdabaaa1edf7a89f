"""Links to files that need no login: each holds for one file and some minutes, and any changed character breaks it."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlencode

from odometer.clock import Clock
from odometer.errors import Problem
from odometer.exports.files import FileKey, FileStore

DOWNLOAD_PATH: Final = "/files/v1"


class Maker(NamedTuple):
    """Who asked for a link: it opens nothing any more once they may not ask for it again.

    Attributes:
        user_id: the user.
        token_id: the token they called with; None = they had logged in.
        needs_license_keys: the file shows license keys, so they need license_filtering.

    """

    user_id: int
    token_id: int | None
    needs_license_keys: bool

    def as_text(self) -> str:
        """For the link: two numbers and a letter."""
        return f"{self.user_id}-{self.token_id or 0}-{'k' if self.needs_license_keys else 'n'}"


class Link(NamedTuple):
    """An absolute address, and when it stops working (milliseconds since 1970)."""

    url: str
    expires_ms: int


# A clock that is set back by less than a link holds ends none.
_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links to the files of a store; those of object storage are the storage's own.

    Attributes:
        files: the store.
        secret: what links are signed with.
        public_url: the address users see.
        clock: tells when a link has expired.
        minutes: how long a link holds.

    """

    files: FileStore
    secret: bytes
    public_url: str
    clock: Clock
    minutes: int

    def to(self, key: FileKey, maker: Maker) -> Link:
        """A new link to a file, which is not looked for. One of object storage holds until it expires."""
        expires_s = self.clock.now_ms() // 1000 + self.minutes * 60
        own = self.files.own_link(key, self.minutes * 60)
        if own is not None:
            return Link(own, expires_s * 1000)
        expires = str(expires_s)
        by = maker.as_text()
        query = urlencode({"expires": expires, "by": by, "signature": self._signature(key.path, expires, by)})
        return Link(f"{self.public_url}{DOWNLOAD_PATH}/{key.path}?{query}", expires_s * 1000)

    def check(
        self, stream: str, product: str, name: str, expires: str, by: str, signature: str
    ) -> tuple[FileKey, Maker]:
        """The file that a presented link is for, and who asked for it.

        Raises `Problem` 403 for a link that was not made here or is over.
        """
        wanted = self._signature(f"{stream}/{product}/{name}", expires, by)
        if not hmac.compare_digest(wanted.encode(), signature.encode()):
            raise Problem("PERMISSION_DENIED", "This link is not valid.")
        left_ms = int(expires) * 1000 - self.clock.now_ms()
        # One that seems to hold much longer than any was made while the clock was ahead.
        if not 0 < left_ms <= _AHEAD * self.minutes * 60_000:
            raise Problem("PERMISSION_DENIED", "This link has expired; ask for a new one.")
        user_id, token_id, keys = by.split("-")
        return FileKey(stream, int(product), name), Maker(int(user_id), int(token_id) or None, keys == "k")

    def _signature(self, path: str, expires: str, by: str) -> str:
        # Hexadecimal: unlike base64 it has no two spellings of one signature.
        return hmac.new(self.secret, f"{path}\n{expires}\n{by}".encode(), hashlib.sha256).hexdigest()
