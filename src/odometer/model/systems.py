"""Operating systems: what people and machines call them → three nested names in one spelling, in release order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from odometer.model.properties import MAX_TEXT
from odometer.model.system_names import (
    FIRST_BUILD_OF_WINDOWS_11,
    LINUX,
    PLATFORMS,
    SHORT_BEGINNINGS,
    WINDOWS,
    WINDOWS_EDITIONS,
    WINDOWS_KERNELS,
    WINDOWS_SERVER_BUILDS,
    Platform,
    Version,
)
from odometer.model.system_words import NUMBER, by_number, cut, longest, read, words_within

Level = Literal["platform", "version", "edition"]
System = tuple[str, str, str]

_WINDOWS_KERNEL: Final = re.compile(
    r"(?P<number>[56]\.[0-3])(?P<exact>\.[0-9.]+)?|10\.0|(?:10\.0\.)?(?P<build>[12][0-9]{4})(?:\.[0-9]+)*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a given name says within its platform: the full name of a version, `""` for none, and edition words."""

    version: str
    edition: list[str]
    known: Version | None = None


@lru_cache(maxsize=16_384)
def normalise_system(platform: str, version: str, edition: str) -> System:
    """The three nested names of a system, given in any spelling and on any level; `""` is null.

    A level that a given name implies is filled, a finer one that nobody named stays `""`. Where names contradict each
    other the finest counts. A version or edition that the catalogue does not have is kept below its known platform;
    a name of no known platform is kept as it came, as platform.
    """
    found = (platform[:MAX_TEXT], version[:MAX_TEXT], edition[:MAX_TEXT])
    # Parts put together may be another name of the catalogue: `Server 2003` with the edition `R2`.
    for _ in range(3):
        before, found = found, _normalised(found)
        if found == before:
            break
    return found


def _normalised(given: System) -> System:
    texts = [read(text) for text in given]
    platform = next((text.platform for text in reversed(texts) if text.platform is not None), None)
    if platform is None:
        return (next(filter(None, given), ""), "", "")
    # A version or edition may leave out the platform; on the first level a name without one says nothing.
    allowed = ((platform,), (platform, None), (platform, None))
    words = [
        words_within(text, platform) if text.platform in own else [] for text, own in zip(texts, allowed, strict=True)
    ]
    kernel, is_certain = None, False
    if platform.name == WINDOWS:
        kernel, is_certain = _windows_kernel(platform, words)
        words = [[word for word in text if not _WINDOWS_KERNEL.fullmatch(word)] for text in words]
    named = [_named(platform, text, is_edition=level == 2) for level, text in enumerate(words)]
    if texts[2].platform is None and _begins_with_number(words[2]) and (named[0].version or named[1].version):
        # A bare number below a version is not another version: `Ubuntu` and `22.04`.
        named[2] = _Named("", words[2])
    named.reverse()
    chosen = next((item for item in named if item.version), _Named("", []))
    if kernel is not None and (is_certain or not chosen.version):
        chosen = _Named(kernel.name, [], kernel)
    fitting = (item for item in named if kernel is not None or item.version in ("", chosen.version))
    editions = (_edition(platform, chosen, item) for item in fitting)
    return _nested(platform.name, chosen.version, next(filter(None, editions), ""))


def _begins_with_number(words: Sequence[str]) -> bool:
    return bool(words) and NUMBER.fullmatch(words[0]) is not None


def _windows_kernel(platform: Platform, words: Sequence[Sequence[str]]) -> tuple[Version | None, bool]:
    """The version that the kernel's numbers among the words mean, and whether that is beyond doubt.

    Windows 11 and 10 share the number 10.0 and often the name (the registry of 11 says `Windows 10 Pro`): only the
    build tells them apart.
    """
    found = [match for text in words for word in text if (match := _WINDOWS_KERNEL.fullmatch(word))]
    if not found:
        return None, False
    is_server = any(word.lower() == "server" for text in words for word in text)
    best = next((match for match in found if match["build"] or match["exact"]), found[0])
    if best["build"]:
        client = "11" if int(best["build"]) >= FIRST_BUILD_OF_WINDOWS_11 else "10"
        spelling = WINDOWS_SERVER_BUILDS.get(best["build"], "") if is_server else client
    else:
        spelling = WINDOWS_KERNELS.get(best["number"] or "10.0", ("10", ""))[is_server]
    return platform.versions.get(spelling), bool(best["build"] or best["exact"])


def _named(platform: Platform, words: list[str], *, is_edition: bool) -> _Named:
    found = longest(words, platform.versions)
    if found is not None:
        spelling, count = found
        known = platform.versions[spelling]
        return _Named(known.name, words[(0 if spelling in platform.implied else count) :], known)
    if _begins_with_number(words):
        by_its_number = by_number(words[0], platform.versions)
        name = f"{platform.name} {cut(words[0], list(platform.versions))}"
        return _Named(by_its_number.name if by_its_number else name, words[1:], by_its_number)
    # What begins with words that nobody knows: a distribution up to its number, or else a name of its level.
    count = next((place for place, word in enumerate(words) if NUMBER.fullmatch(word)), len(words))
    if platform.name != LINUX or count == len(words):
        count = 0 if is_edition else len(words)
    return _Named(" ".join([platform.name, *words[:count]]) if count else "", words[count:])


def _edition(platform: Platform, chosen: _Named, item: _Named) -> str:
    """The full name of the edition that an item gives the chosen version, `""` for none."""
    above = chosen.version or platform.name
    words = item.edition
    own = above.removeprefix(platform.name).split()
    if chosen.known is None and words[: len(own)] == own:
        words = words[len(own) :]
    if platform.name == LINUX:
        known = _release(chosen.known, words) if chosen.known else ""
        words = _release_words(chosen.known, words) if chosen.known else words
    else:
        words = [word for word in words if not NUMBER.fullmatch(word)]
        spelling = " ".join(words).lower()
        known = _known_edition(chosen.known, spelling)
    return known or (f"{above} {' '.join(words)}" if words else "")


def _known_edition(version: Version | None, spelling: str) -> str:
    if version is None:
        return ""
    other = WINDOWS_EDITIONS.get(spelling, "").lower()
    return version.editions.get(spelling) or version.editions.get(other, "")


def _release(distribution: Version, words: list[str]) -> str:
    """The known release of a distribution that is named by number or words."""
    number = next(filter(NUMBER.fullmatch, words), "")
    before = words[: words.index(number)] if number else words
    return by_number(number, distribution.editions) or distribution.editions.get(" ".join(before).lower(), "")


def _release_words(distribution: Version, words: list[str]) -> list[str]:
    """The name of an unknown release: up to its number, and whether it is one with long support."""
    number = next(filter(NUMBER.fullmatch, words), "")
    if not number:
        return words
    support = ["LTS"] if "LTS" in words else []
    return [*words[: words.index(number)], cut(number, list(distribution.editions)), *support]


def _nested(platform: str, version: str, edition: str) -> System:
    """The levels, without those whose full name grows too long to be stored."""
    if len(version) > MAX_TEXT:
        return (platform, "", "")
    return (platform, version, edition if len(edition) <= MAX_TEXT else "")


@lru_cache(maxsize=3)
def full_list(level: Level) -> tuple[str, ...]:
    """Every name of a level that the catalogue has, in release order within its platform."""
    if level == "platform":
        return tuple(platform.name for platform in PLATFORMS)
    versions = [version for platform in PLATFORMS for version in platform.versions.values()]
    names = (
        [version.name for version in versions]
        if level == "version"
        else [edition for version in versions for edition in version.editions.values()]
    )
    return tuple(dict.fromkeys(names))


@lru_cache(maxsize=1)
def _places() -> dict[str, int]:
    names = [*full_list("platform"), *full_list("version"), *full_list("edition")]
    return {name: place for place, name in enumerate(names)}


def release_order(name: str) -> tuple[int, str]:
    """The sort key of a name: catalogue order, then names that the catalogue does not have, by code point."""
    place = _places().get(name)
    return (len(_places()), name) if place is None else (place, "")


def short_name(name: str) -> str:
    """What a chart has room for: `Win 11 Pro`, `Ubuntu 24.04 LTS`."""
    for beginning, short in SHORT_BEGINNINGS:
        if name.startswith(beginning):
            return short + name.removeprefix(beginning)
    return name
