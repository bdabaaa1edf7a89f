"""The known name that somebody who wrote another one probably meant."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

# A letter left out, doubled, exchanged or in the other case is close enough; another word is not.
_ALIKE: Final = 0.7
_LOOKED_AT: Final = 64


def nearest_name(name: str, known: Collection[str]) -> str | None:
    """The known name that is most like `name`; None when none is. A long name is cut: looking takes a while."""
    return next(iter(get_close_matches(name[:_LOOKED_AT], known, 1, _ALIKE)), None)
