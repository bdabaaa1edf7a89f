"""Reading what somebody calls an operating system: the platform it begins with, and the words that matter after it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from odometer.model.system_names import LINUX, MAC, PLATFORMS, Platform

T = TypeVar("T")

NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_MOST_WORDS: Final = 5
# What follows one of these is no name: `Darwin Kernel Version 23.5.0: Wed May 1`, `#45~22.04.1-Ubuntu SMP`.
_END_OF_NAME: Final = re.compile(r"[:;#].*", re.DOTALL)
_WORD: Final = re.compile(r"(?:32|64)-bit\b|[^\s,()\[\]/\N{REGISTERED SIGN}\N{TRADE MARK SIGN}-]+", re.IGNORECASE)
# Words that say nothing about which system it is: processor, build, service pack.
_NOISE: Final = re.compile(
    r"""version|ver|v|build|kernel|edition|release|gnu|nt|r|tm|api|service|pack|sp[0-9]+|bit|(?:32|64)-?bit
      |x64|x86(?:_64)?|amd64|i[3-6]86|arm|arm64e?|aarch64|armv[0-9]\w*|riscv64|ppc64le|s390x
      |[0-9]+[a-z][0-9]+[a-z]?|g?libc[0-9.]*|musl[0-9.]*""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
# A name and its number in one word: `win11`, `macos14`, `v3.20`; Python says `2019Server`.
_JOINED: Final = re.compile(
    r"(win(?!32|64)|windows|macos|mac|osx|ios|ipados|android|chromeos|ubuntu|debian|fedora|rhel|centos|v)([0-9][0-9.]*)",
    re.ASCII | re.IGNORECASE,
)
_JOINED_SERVER: Final = re.compile(r"([0-9]{4})(server)(r2)?", re.ASCII | re.IGNORECASE)
_LINUX_KERNEL: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]", re.ASCII)
_DARWIN: Final = "darwin"


@dataclass(frozen=True, slots=True)
class Text:
    """A given name: the platform that it begins with, if any, and the words that follow."""

    platform: Platform | None
    words: list[str]


def read(text: str) -> Text:
    """What a name says, leaving out processors, builds and the like."""
    words = [part for word in _WORD.findall(_END_OF_NAME.sub("", text)) for part in _parts(word)]
    words = [word for word in words if not _NOISE.fullmatch(word)]
    for platform in PLATFORMS:
        found = longest(words, platform.spellings)
        if found is not None:
            spelling, count = found
            return Text(platform, _darwin_to_mac(words[count:], 0) if spelling == _DARWIN else words[count:])
    linux = next(platform for platform in PLATFORMS if platform.name == LINUX)
    # A distribution need not say that it is Linux.
    return Text(linux if longest(words, linux.versions) else None, words)


def _parts(word: str) -> Sequence[str]:
    bare = word.strip(".\"'")
    if joined := _JOINED.fullmatch(bare):
        return joined.groups()
    if server := _JOINED_SERVER.fullmatch(bare):
        return [part for part in (server[2], server[1], server[3]) if part]
    return [bare] if bare else []


def words_within(text: Text, platform: Platform) -> list[str]:
    """The words of a name of this platform, without what only its kernel is called by."""
    if platform.name == MAC:
        # There is no macOS 16 to 25: such a number is the kernel's.
        return _darwin_to_mac(text.words, 16, 25)
    if platform.name == LINUX and text.words and _LINUX_KERNEL.match(text.words[0]):
        # `Linux-5.4.0-42-generic-x86_64-with-Ubuntu-20.04-focal`
        lower = [word.lower() for word in text.words]
        return text.words[lower.index("with") + 1 :] if "with" in lower else []
    return text.words


def _darwin_to_mac(words: list[str], lowest: int, highest: int = 9999) -> list[str]:
    """The words with the kernel's number at their beginning, when it lies in a range, put as that of macOS."""
    if not words or not NUMBER.fullmatch(words[0]):
        return words
    major = words[0].partition(".")[0]
    if len(major) > 4 or not lowest <= int(major) <= highest:
        return words
    kernel = int(major)
    number = f"10.{kernel - 4}" if kernel < 20 else str(kernel - 9 if kernel < 25 else kernel + 1)
    return [number, *words[1:]]


def longest(words: Sequence[str], spellings: Mapping[str, object] | frozenset[str]) -> tuple[str, int] | None:
    """The longest spelling that the words begin with, and how many words it has."""
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        spelling = " ".join(words[:count]).lower()
        if spelling in spellings:
            return spelling, count
    return None


def by_number(number: str, found: Mapping[str, T]) -> T | None:
    """What is known by a dotted number or by the longest beginning of it that is known: 14.5 is 14."""
    while number not in found and "." in number:
        number = number.rpartition(".")[0]
    return found.get(number)


def cut(number: str, known: Sequence[str]) -> str:
    """A number that is not known, with as many parts as the last known one has: then 28.5 is 28, where 26 is known."""
    numbers = [spelling for spelling in known if NUMBER.fullmatch(spelling)]
    parts = numbers[-1].count(".") + 1 if numbers else 2
    return ".".join(number.split(".")[:parts])
