"""Filter values that no stored value can equal, because everything stored has one spelling (chapter 01)."""

from collections.abc import Callable
from typing import Final

from odometer.model.languages import normalise_language
from odometer.model.places import normalise_place
from odometer.model.properties import LICENSE_TYPES
from odometer.model.systems import normalise_system

_STORED: Final[dict[str, Callable[[str], str]]] = {
    "geography.continent": lambda text: normalise_place(text, "", "")[0],
    "geography.country": lambda text: normalise_place("", text, "")[1],
    "geography.usState": lambda text: normalise_place("", "", text)[2],
    "os.platform": lambda text: normalise_system(text, "", "")[0],
    "os.version": lambda text: normalise_system("", text, "")[1],
    "os.edition": lambda text: normalise_system("", "", text)[2],
    "osLanguage": normalise_language,
    "prodLanguage": normalise_language,
}
_SHOWN: Final = 64


def never_stored(name: str, text: str) -> str | None:
    """Why no value of the property equals the text, as a sentence; None when one may."""
    if name == "licenseType" and text not in LICENSE_TYPES:
        return f"{text[:_SHOWN]!r} is no license type; there are {', '.join(LICENSE_TYPES)}."
    stored = _STORED[name](text) if name in _STORED else text
    return None if stored == text else f"{text[:_SHOWN]!r} is stored as {stored[:_SHOWN]!r}."
