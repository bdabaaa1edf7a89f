"""Secrets handed out once (sessions, tokens, keys): random text, of which only the hash is stored."""

import hashlib
import secrets
from typing import Final

# A hash without salt or cost is right here, and only here: nobody guesses 256 random bits.
_RANDOM_BYTES: Final = 32
# The four signs that tell what it is, and four of its own 43.
_SHOWN: Final = 8


def new_secret(prefix: str = "") -> str:
    """256 random bits as text; the prefix tells people (and scanners of source code) what they found."""
    return prefix + secrets.token_urlsafe(_RANDOM_BYTES)


def prefix_of(secret: str) -> str:
    """How the secret begins: enough to tell it from others, nothing for somebody who guesses."""
    return secret[:_SHOWN]


def hash_of(secret: str) -> str:
    """What is stored and searched for instead of the secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
