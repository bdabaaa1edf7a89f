"""Operating systems: what the spellings of people and machines become, and what holds for any text."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odometer.model.properties import MAX_TEXT
from odometer.model.systems import System, full_list, normalise_system, release_order, short_name

WIN = "Microsoft Windows"
_WORDS = (
    *("Windows", "Microsoft", "win11", "11", "10", "10.0.22631", "10.0", "6.1", "Server", "2019", "2003", "R2", "Pro"),
    *("Professional", "Home", "macOS", "Mac", "OS", "X", "Darwin", "23.5.0", "14.5", "10.15.7", "Sonoma", "Sierra"),
    *("Linux", "Ubuntu", "Debian", "GNU/Linux", "24.04.1", "LTS", "22", "x86_64", "64-bit", "64", "bit", "with", "#1"),
    *("6.1.0-18-amd64", ":", "Foo", "26", "13", "Version", "NT", "4.0", "iOS", "CentOS", "Stream", "9", "Pop!_OS"),
    *("2019Server", "SUSE", "openSUSE", "Leap", "15.6", "x" * 100, "y" * 150, "v3.20", "9" * 26, "22631", "Zoë"),
)
NAMES = (
    st.just("")
    | st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join)
    | st.lists(st.sampled_from(_WORDS), max_size=4).map("-".join)
    | st.text(max_size=MAX_TEXT)
    | st.sampled_from([*full_list("platform"), *full_list("version"), *full_list("edition")])
)


def named(platform: str, version: str = "", edition: str = "") -> System:
    """Three nested names from what each adds to the one above."""
    levels = [platform, f"{platform} {version}" if version else ""]
    return (*levels, f"{platform} {version} {edition}" if edition else "")  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Windows", named(WIN)),
        ("win32", named(WIN)),
        ("Windows_NT", named(WIN)),
        ("win11", named(WIN, "11")),
        ("WINDOWS 11 PRO", named(WIN, "11", "Pro")),
        ("Microsoft Windows 11 Professional", named(WIN, "11", "Pro")),
        ("Windows 7 Pro", named(WIN, "7", "Professional")),
        ("Microsoft® Windows® 7 Ultimate (64-bit) SP1", named(WIN, "7", "Ultimate")),
        ("Windows XP Home Edition", named(WIN, "XP", "Home")),
        ("Windows 10 Enterprise LTSC 2021", named(WIN, "10", "Enterprise LTSC")),
        ("Windows 11 Version 23H2", named(WIN, "11")),
        ("Windows-10-10.0.19045-SP0", named(WIN, "10")),
        ("Windows-10-10.0.22631-SP0", named(WIN, "11")),
        ("Windows-2019Server-10.0.17763-SP0", named(WIN, "Server 2019")),
        ("Windows-2012ServerR2-6.3.9600-SP0", named(WIN, "Server 2012 R2")),
        ("Microsoft Windows NT 10.0.22631.0", named(WIN, "11")),
        ("Microsoft Windows [Version 10.0.22631.3447]", named(WIN, "11")),
        ("Microsoft Windows Server 2022 Datacenter", named(WIN, "Server 2022", "Datacenter")),
        ("Darwin", named("macOS")),
        ("Mac OS X 10.15.7", named("macOS", "10.15")),
        ("macOS 14.5", named("macOS", "14")),
        ("macos14", named("macOS", "14")),
        ("macOS-14.5-arm64-arm-64bit", named("macOS", "14")),
        ("macOS Sonoma", named("macOS", "14", "Sonoma")),
        ("macOS High Sierra 10.13.6", named("macOS", "10.13", "High Sierra")),
        ("Darwin-19.6.0-x86_64-i386-64bit", named("macOS", "10.15")),
        ("Darwin-25.0.0", named("macOS", "26")),
        ("Linux", named("Linux")),
        ("Ubuntu 24.04.1 LTS", named("Linux", "Ubuntu", "24.04 LTS")),
        ("Debian GNU/Linux 12 (bookworm)", named("Linux", "Debian", "12")),
        ("Debian bookworm", named("Linux", "Debian", "12")),
        ("Fedora Linux 40 (Workstation Edition)", named("Linux", "Fedora", "40")),
        ("openSUSE Leap 15.6", named("Linux", "openSUSE", "Leap 15.6")),
        ("openSUSE Tumbleweed", named("Linux", "openSUSE", "Tumbleweed")),
        ("Red Hat Enterprise Linux 9.4 (Plow)", named("Linux", "Red Hat Enterprise", "9")),
        ("CentOS Stream 9", named("Linux", "CentOS Stream", "9")),
        ("Alpine Linux v3.20", named("Linux", "Alpine", "3.20")),
        ("Pop!_OS 22.04 LTS", named("Linux", "Pop!_OS", "22.04 LTS")),
        ("Arch Linux", named("Linux", "Arch")),
        ("Linux-6.1.0-18-amd64-x86_64-with-glibc2.36", named("Linux")),
        ("Linux-5.4.0-42-generic-x86_64-with-Ubuntu-20.04-focal", named("Linux", "Ubuntu", "20.04 LTS")),
        ("iPhone OS 17.5.1 (21F90)", named("iOS", "17")),
        ("iPadOS 17.5", named("iPadOS", "17")),
        ("Android 8.1.0", named("Android", "8.1")),
        ("CrOS 126.0.6478.222", named("ChromeOS", "126")),
    ],
)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_name_is_recognised_on_whatever_level_it_comes(text: str, expected: System, level: int) -> None:
    given_names = ["", "", ""]
    given_names[level] = text

    assert normalise_system(*given_names) == expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (("Windows", "10.0.22631", ""), named(WIN, "11")),
        (("Windows", "11", "Core"), named(WIN, "11", "Home")),
        # The registry of Windows 11 calls it 10; Java says 10.0 of both.
        (("Windows", "10.0.22631", "Windows 10 Pro"), named(WIN, "11", "Pro")),
        (("Windows 11", "10.0", ""), named(WIN, "11")),
        (("Windows Server 2019", "10.0", ""), named(WIN, "Server 2019")),
        (("Windows 8.1", "", "Professional"), named(WIN, "8.1", "Pro")),
        (("Darwin", "23.5.0", "Darwin Kernel Version 23.5.0: Wed May 1 20:12:58"), named("macOS", "14")),
        (("macOS", "14.5", "Sonoma"), named("macOS", "14", "Sonoma")),
        (("Linux", "6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1"), named("Linux")),
        (("Linux", "Ubuntu", "22.04"), named("Linux", "Ubuntu", "22.04 LTS")),
        (("Linux", "Debian 12", ""), named("Linux", "Debian", "12")),
    ],
)
def test_levels_complete_each_other(levels: System, expected: System) -> None:
    assert normalise_system(*levels) == expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (("Windows 13", "", ""), named(WIN, "13")),
        (("Windows", "13", "Ultra"), named(WIN, "13", "Ultra")),
        (("Windows 11 Gaming", "", ""), named(WIN, "11", "Gaming")),
        (("Windows", "", "Pro"), (WIN, "", f"{WIN} Pro")),
        (("macOS 31.2", "", ""), named("macOS", "31")),
        (("", "Ubuntu 40.04.1 LTS (Curious Cat)", ""), named("Linux", "Ubuntu", "40.04 LTS")),
        (("", "Linux Gecko 3", ""), named("Linux", "Gecko", "3")),
        (("Linux", "Linux 6", "Linux 6 LTS"), named("Linux", "6", "LTS")),
    ],
)
def test_what_comes_out_later_is_kept_below_its_platform(levels: System, expected: System) -> None:
    assert normalise_system(*levels) == expected


@pytest.mark.parametrize("levels", [("Haiku R1", "", ""), ("", "Haiku R1", ""), ("Haiku R1", "beta 5", "Nightly")])
def test_a_name_of_no_known_platform_is_kept_as_platform(levels: System) -> None:
    assert normalise_system(*levels) == ("Haiku R1", "", "")


def test_the_finest_of_contradicting_names_counts() -> None:
    assert normalise_system(WIN, f"{WIN} 11", f"{WIN} 10 Home") == named(WIN, "10", "Home")


@pytest.mark.parametrize("name", [*full_list("version"), *full_list("edition")])
def test_the_names_of_the_catalogue_are_fixed_points(name: str) -> None:
    levels = normalise_system("", "", name)

    assert name in levels
    assert normalise_system(*levels) == levels


@settings(max_examples=1000)
@given(NAMES, NAMES, NAMES)
@example("Windows Server 2003", "", "R2")
@example("Linux", "Ubuntu", "Debian 12")
def test_any_text_becomes_nested_names_once_and_for_all(platform: str, version: str, edition: str) -> None:
    levels = normalise_system(platform, version, edition)

    assert normalise_system(*levels) == levels
    assert (levels == ("", "", "")) == (not (platform or version or edition))
    assert all(len(name) <= MAX_TEXT for name in levels)
    set_levels = [name for name in levels if name]
    assert all(fine.startswith(f"{coarse} ") for coarse, fine in pairwise(set_levels))


def test_names_sort_in_release_order_and_unknown_ones_last() -> None:
    names = ["Haiku", f"{WIN} 13", f"{WIN} Server 2022", f"{WIN} 10", f"{WIN} 7", "macOS 9", "macOS 10.15", f"{WIN} 11"]

    assert sorted(names, key=release_order) == [
        *(f"{WIN} 7", f"{WIN} 10", f"{WIN} Server 2022", f"{WIN} 11", "macOS 10.15"),
        *("Haiku", f"{WIN} 13", "macOS 9"),
    ]
    assert list(full_list("version")) == sorted(full_list("version"), key=release_order)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        (WIN, "Windows"),
        (f"{WIN} 11 Pro", "Win 11 Pro"),
        (f"{WIN} 13", "Win 13"),
        ("Linux", "Linux"),
        ("Linux Ubuntu 24.04 LTS", "Ubuntu 24.04 LTS"),
        ("Linux Red Hat Enterprise 9", "RHEL 9"),
        ("macOS 14 Sonoma", "macOS 14 Sonoma"),
        ("Haiku", "Haiku"),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_short_names_tell_all_names_apart() -> None:
    for level in ("platform", "version", "edition"):
        names = full_list(level)
        assert len({short_name(name) for name in names}) == len(set(names)) == len(names)
