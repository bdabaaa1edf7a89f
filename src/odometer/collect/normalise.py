"""Values that many spellings have get the one that reports know: operating system, place, language."""

from typing import Final

from odometer.model.languages import normalise_language
from odometer.model.places import normalise_place
from odometer.model.properties import GEOGRAPHY
from odometer.model.systems import normalise_system

_SYSTEM: Final = ("os.platform", "os.version", "os.edition")
_LANGUAGES: Final = ("osLanguage", "prodLanguage")


def normalise(values: dict[str, str]) -> None:
    """Put the values that a record sets (`""` clears) in their one spelling, in place.

    Levels that a name implies are set too: `Windows 11` says the platform, a country its continent and, outside the
    US, that there is no state.
    """
    if any(values.get(name) for name in _SYSTEM):
        levels = normalise_system(*(values.get(name, "") for name in _SYSTEM))
        values.update(zip(_SYSTEM, levels, strict=True))
    if any(values.get(name) for name in GEOGRAPHY):
        place = normalise_place(*(values.get(name, "") for name in GEOGRAPHY))
        named = GEOGRAPHY if place[1] else [name for name in GEOGRAPHY if name in values]
        values.update((name, value) for name, value in zip(GEOGRAPHY, place, strict=True) if name in named)
    for name in _LANGUAGES:
        if given := values.get(name):
            values[name] = normalise_language(given)
