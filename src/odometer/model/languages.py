"""Languages: the one spelling (BCP 47: `en-US`) of a language tag, locale name or English name of a language."""

import re
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers

from odometer.model.places import country_code

# Language, script, region and variants; what follows an extension's single letter says nothing about the language.
_TAG: Final = re.compile(
    r"""(?P<language>[a-z]{2,3})
        (?:[-_](?P<script>[a-z]{4}))?
        (?:[-_](?P<region>[a-z]{2,3}|[0-9]{3}))?
        (?P<variants>(?:[-_](?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)
        (?:[-_][a-z0-9](?:[-_][a-z0-9]{1,8})+)?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
# POSIX locale names end in a character set and a modifier: `sr_RS.UTF-8@latin`.
_POSIX_END: Final = re.compile(r"(?:\.[\w-]+)?(?:@(?P<modifier>\w+))?", re.ASCII)
_SCRIPT_OF_MODIFIER: Final = {"latin": "Latn", "cyrillic": "Cyrl", "devanagari": "Deva"}
# `English (United States)`, and what Windows calls a locale: `English_United States.1252`.
_NAMED: Final = re.compile(r"(?P<language>[^()_.]+?)(?: ?\((?P<within>[^()]+)\)|_(?P<region>[^()_.]+))?(?:\.\w+)?")


@lru_cache(maxsize=4096)
def normalise_language(text: str) -> str:
    """The tag of a language, given in any spelling; what is no known language is kept as it came."""
    stripped = text.strip()
    return _from_tag(stripped) or _from_name(stripped) or text


def _from_tag(text: str) -> str:
    """The tag that a tag or POSIX locale name stands for, `""` when it is none."""
    found = _TAG.match(text)
    end = _POSIX_END.fullmatch(text, found.end()) if found else None
    if found is None or end is None:
        return ""
    script = found["script"] or _SCRIPT_OF_MODIFIER.get((end["modifier"] or "").lower(), "")
    variants = found["variants"].replace("_", "-").lower()
    tag = _tag(found["language"].lower(), script, found["region"] or "")
    return tag and tag + variants


def _tag(language: str, script: str, region: str) -> str:
    """The parts together, each in the case that BCP 47 recommends; `""` when one of them does not exist."""
    english = Locale("en")
    language, _, usual_script = get_global("language_aliases").get(language, language).partition("_")
    script = (script or usual_script).title()
    code = region.upper()
    if code and code not in english.territories:
        code = country_code(code) or "?"
    if language not in english.languages or language == "und" or code == "?":
        return ""
    if script and script not in english.scripts:
        return ""
    return "-".join(part for part in (language, script, code) if part)


def _from_name(text: str) -> str:
    """The tag of a language called by its English name, perhaps with script and country; `""` when it is none."""
    found = _NAMED.fullmatch(text)
    base = _by_name().get(" ".join(found["language"].casefold().split())) if found else None
    if found is None or base is None:
        return ""
    language, script, region = base
    for part in (found["within"] or found["region"] or "").split(","):
        named = " ".join(part.casefold().split())
        if named in _script_by_name():
            script = _script_by_name()[named]
        elif named:
            region = country_code(named) or "?"
    return "" if region == "?" else _tag(language, script, region)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, tuple[str, str, str]]:
    """English name in lower case to language, script and region."""
    found = {}
    for identifier, name in Locale("en").languages.items():
        language, _, rest = identifier.partition("_")
        is_script = len(rest) == 4
        found[name.casefold()] = (language, rest if is_script else "", "" if is_script else rest)
    return found


@lru_cache(maxsize=1)
def _script_by_name() -> dict[str, str]:
    return {name.casefold(): code for code, name in Locale("en").scripts.items()}


@lru_cache(maxsize=1)
def full_list() -> tuple[str, ...]:
    """The tag of every locale that CLDR describes, with and without its script, in code point order."""
    found = set()
    for identifier in locale_identifiers():
        parts = identifier.split("_")
        found.add(normalise_language(identifier))
        # Systems write zh-CN for what CLDR calls zh-Hans-CN.
        found.add(normalise_language("_".join(part for part in parts if len(part) != 4)))
    return tuple(sorted(found))
