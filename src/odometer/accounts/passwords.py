"""Which passwords are taken: long enough, and none that a guesser tries first."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

from odometer.errors import invalid

MIN_LENGTH: Final = 12
# Every character escaped in JSON, it still fits into a login. Some of before are longer.
MAX_LENGTH: Final = 256
# So much of a password may not come from the address of its owner, or from the name of what it opens.
_SHORTEST_PART: Final = 4
_OWN_PART: Final = 8
_PRODUCT: Final = "odometer"


def checked_password(password: str, email: str, field: str = "password") -> str:
    """The password, if its owner may have it. Raises `Problem` with what is wanted instead."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise invalid(field, f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; this one has {len(password):,}.")
    if not _can_be_hashed(password):
        raise invalid(field, "The password holds half of a surrogate pair.")
    said = unicodedata.normalize("NFKC", password).casefold()
    if not _common().isdisjoint(_readings(said)):
        raise invalid(field, "This is one of the commonest passwords; take several words that do not belong together.")
    if len(set(said)) < _SHORTEST_PART + 1:
        raise invalid(field, "The password has too few different characters.")
    if not re.search(r"[^\W\d_]", said):
        raise invalid(field, "The password has no letters; take several words that do not belong together.")
    own = re.sub(r"[\W_]+", "", said)
    rest = own.replace(_PRODUCT, "")
    if rest != own and (len(rest) < _OWN_PART or not _common().isdisjoint(_readings(rest))):
        raise invalid(field, "The password is too much like the name of this server.")
    for part in _parts_of(email):
        if part in said and len(said) - len(part) < _OWN_PART:
            raise invalid(field, f"The password is too much like the address {email}.")
    return password


def _can_be_hashed(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True


@cache
def _common() -> frozenset[str]:
    text = resources.files("odometer.accounts").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def _readings(password: str) -> Iterator[str]:
    """The password without what people put around, behind and between words to make them longer, repetition too."""
    for stripped in (
        password,
        re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password),
        re.sub(r"\s+", "", password),
        re.sub(r"[\W_]+", "", password),
        re.sub(r"[\W\d_]+", "", password),
    ):
        yield stripped
        yield (stripped + stripped)[: (stripped + stripped).find(stripped, 1)]


def _parts_of(email: str) -> list[str]:
    """The address and its parts, the longest first."""
    local, _, domain = email.casefold().partition("@")
    parts = {email.casefold(), local, domain, *re.split(r"[._+-]", local), *domain.split(".")}
    return sorted((part for part in parts if len(part) >= _SHORTEST_PART), key=len, reverse=True)
