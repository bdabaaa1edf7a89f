"""The catalogue of operating systems as data: platforms, their versions in release order, and the editions of each."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a platform, or a distribution of Linux.

    Attributes:
        name: full name; begins with the platform's.
        editions: spelling in lower case to full name; several spellings may lead to one name.

    """

    name: str
    editions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Platform:
    """A family of systems.

    Attributes:
        name: full name.
        spellings: what a text of this family may begin with, in lower case.
        versions: spelling in lower case, without the platform, to version.
        implied: spelling to the full name of the edition that it names together with its version (`sonoma`).

    """

    name: str
    spellings: frozenset[str]
    versions: dict[str, Version] = field(default_factory=dict)
    implied: dict[str, str] = field(default_factory=dict)


WINDOWS: Final = "Microsoft Windows"
MAC: Final = "macOS"
LINUX: Final = "Linux"

# `version ; other spelling, ... | edition = other spelling = ..., edition, ...`; both in release order, both optional
# but the version.
_TABLES: Final = {
    WINDOWS: """
        95
        NT 4.0 ; 4.0 | Workstation, Server
        98
        2000 | Professional, Server, Advanced Server, Datacenter Server
        Me ; millennium
        XP | Home, Professional, Media Center, Tablet PC
        Server 2003 ; 2003 | Web, Standard, Enterprise, Datacenter
        Server 2003 R2 ; 2003 r2 | Standard, Enterprise, Datacenter
        Vista | Starter, Home Basic, Home Premium, Business, Enterprise, Ultimate
        Server 2008 ; 2008 | Web, Standard, Enterprise, Datacenter
        7 | Starter, Home Basic, Home Premium, Professional, Enterprise, Ultimate
        Server 2008 R2 ; 2008 r2 | Foundation, Web, Standard, Enterprise, Datacenter
        8 | Home, Pro, Enterprise
        Server 2012 ; 2012 | Foundation, Essentials, Standard, Datacenter
        8.1 | Home, Pro, Enterprise
        Server 2012 R2 ; 2012 r2 | Foundation, Essentials, Standard, Datacenter
        10 | Home, Home Single Language, Pro, Pro Education, Pro for Workstations, Education, Enterprise, \
             Enterprise LTSC, IoT Core, IoT Enterprise, IoT Enterprise LTSC
        Server 2016 ; 2016 | Essentials, Standard, Datacenter
        Server 2019 ; 2019 | Essentials, Standard, Datacenter
        Server 2022 ; 2022 | Standard, Datacenter, Datacenter Azure
        11 | Home, Home Single Language, Pro, Pro Education, Pro for Workstations, SE, Education, Enterprise, \
             Enterprise LTSC, IoT Enterprise, IoT Enterprise LTSC
        Server 2025 ; 2025 | Standard, Datacenter, Datacenter Azure
        """,
    MAC: """
        10.4 | Tiger
        10.5 | Leopard
        10.6 | Snow Leopard
        10.7 | Lion
        10.8 | Mountain Lion
        10.9 | Mavericks
        10.10 | Yosemite
        10.11 | El Capitan
        10.12 | Sierra
        10.13 | High Sierra
        10.14 | Mojave
        10.15 | Catalina
        11 ; 10.16 | Big Sur
        12 | Monterey
        13 | Ventura
        14 | Sonoma
        15 | Sequoia
        26 | Tahoe
        """,
    LINUX: """
        Slackware | 14.2, 15.0
        Debian | 7 = wheezy, 8 = jessie, 9 = stretch, 10 = buster, 11 = bullseye, 12 = bookworm, 13 = trixie
        Raspberry Pi ; raspberry pi os, raspbian | 9 = stretch, 10 = buster, 11 = bullseye, 12 = bookworm, 13 = trixie
        SUSE Enterprise ; suse linux enterprise, suse linux enterprise server, suse linux enterprise desktop, sles, \
            sled, suse | 11, 12, 15, 16.0
        openSUSE | Leap 42.3, Leap 15.0, Leap 15.1, Leap 15.2, Leap 15.3, Leap 15.4, Leap 15.5, Leap 15.6, Leap 16.0, \
            Tumbleweed
        Gentoo | Rolling
        Arch | Rolling
        Red Hat Enterprise ; red hat enterprise linux, red hat enterprise linux server, \
            red hat enterprise linux workstation, red hat, rhel | 6, 7, 8, 9, 10
        Fedora | 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43
        CentOS | 6, 7, 8
        Ubuntu | 14.04 LTS = trusty, 16.04 LTS = xenial, 18.04 LTS = bionic, 18.10, 19.04, 19.10, 20.04 LTS = focal, \
            20.10, 21.04, 21.10, 22.04 LTS = jammy, 22.10, 23.04, 23.10, 24.04 LTS = noble, 24.10, 25.04, 25.10, \
            26.04 LTS
        Mint | 17.3, 18.3, 19, 19.1, 19.2, 19.3, 20, 20.1, 20.2, 20.3, 21, 21.1, 21.2, 21.3, 22, 22.1, 22.2
        Alpine | 3.10, 3.11, 3.12, 3.13, 3.14, 3.15, 3.16, 3.17, 3.18, 3.19, 3.20, 3.21, 3.22
        Oracle ; oracle linux server | 6, 7, 8, 9, 10
        Amazon | 1, 2, 2023
        Manjaro | Rolling
        elementary OS ; elementary | 5.1, 6, 6.1, 7, 7.1, 8
        NixOS | 22.05, 22.11, 23.05, 23.11, 24.05, 24.11, 25.05
        Zorin OS ; zorin | 15, 16, 17, 18
        Kali | Rolling
        SteamOS | 2, 3
        Pop!_OS | 20.04 LTS, 20.10, 21.04, 21.10, 22.04 LTS, 24.04 LTS
        EndeavourOS | Rolling
        CentOS Stream | 8, 9, 10
        AlmaLinux | 8, 9, 10
        Rocky | 8, 9, 10
        """,
    "iOS": "\n".join(map(str, (*range(6, 19), 26))),
    "iPadOS": "\n".join(map(str, (*range(13, 19), 26))),
    "Android": "4.0, 4.1, 4.2, 4.3, 4.4, 5, 5.1, 6, 7, 7.1, 8, 8.1, 9, 10, 11, 12, 12.1, 13, 14, 15, 16".replace(
        ", ", "\n"
    ),
    "ChromeOS": "\n".join(map(str, range(90, 139))),
}
_SPELLINGS: Final = {
    WINDOWS: "microsoft windows, ms windows, windows, win, win32, win64, win32nt, windows_nt, winnt, mswin32",
    MAC: "macos, mac os x, mac os, os x, osx, macosx, mac, macintosh, macintel, apple macos, darwin",
    LINUX: "linux, linux2",
    "iOS": "ios, iphone os, iphoneos, apple ios",
    "iPadOS": "ipados, apple ipados",
    "Android": "android, google android",
    "ChromeOS": "chromeos, chrome os, cros, google chromeos, google chrome os",
}
# Other spellings of Windows editions (registry and command line have their own) and what they stand for.
WINDOWS_EDITIONS: Final = {
    "pro": "Professional",
    "professional": "Pro",
    "professional education": "Pro Education",
    "professionaleducation": "Pro Education",
    "professional for workstations": "Pro for Workstations",
    "professionalworkstation": "Pro for Workstations",
    "core": "Home",
    "coresinglelanguage": "Home Single Language",
    "homebasic": "Home Basic",
    "homepremium": "Home Premium",
    "enterprises": "Enterprise LTSC",
    "enterprise ltsb": "Enterprise LTSC",
    "ltsc": "Enterprise LTSC",
    "iotenterprise": "IoT Enterprise",
    "iotenterprises": "IoT Enterprise LTSC",
    "iotuap": "IoT Core",
    "serverstandard": "Standard",
    "standard evaluation": "Standard",
    "serverdatacenter": "Datacenter",
    "datacenter evaluation": "Datacenter",
    "datacenter azure edition": "Datacenter Azure",
    "serverturbine": "Datacenter Azure",
}
# The kernel's number to the version's spelling; what a server of that number is called.
WINDOWS_KERNELS: Final = {
    "5.0": ("2000", "2000"),
    "5.1": ("xp", "server 2003"),
    "5.2": ("server 2003", "server 2003"),
    "6.0": ("vista", "server 2008"),
    "6.1": ("7", "server 2008 r2"),
    "6.2": ("8", "server 2012"),
    "6.3": ("8.1", "server 2012 r2"),
}
WINDOWS_SERVER_BUILDS: Final = {
    "14393": "server 2016",
    "17763": "server 2019",
    "20348": "server 2022",
    "26100": "server 2025",
}
FIRST_BUILD_OF_WINDOWS_11: Final = 22000

# A longer beginning of a name comes before a shorter one.
SHORT_BEGINNINGS: Final = (
    (f"{WINDOWS} ", "Win "),
    (WINDOWS, "Windows"),
    (f"{LINUX} Red Hat Enterprise", "RHEL"),
    (f"{LINUX} SUSE Enterprise", "SLE"),
    (f"{LINUX} ", ""),
)


def _platform(name: str, table: str) -> Platform:
    platform = Platform(name, frozenset(_SPELLINGS[name].split(", ")))
    for row in table.strip().splitlines():
        titles, _, editions = row.partition("|")
        spellings = [title.strip().lower() for title in titles.replace(";", ",").split(",")]
        full = f"{name} {titles.partition(';')[0].strip()}"
        version = Version(full, _editions(full, editions))
        if name == MAC:
            # A macOS has one edition, and that names it alone.
            platform.implied.update(version.editions)
            spellings += version.editions
        elif name == LINUX:
            spellings += [f"{spelling} linux" for spelling in spellings]
        platform.versions.update(dict.fromkeys(spellings, version))
    return platform


def _editions(version: str, row: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in filter(None, row.split(",")):
        edition, *others = (part.strip() for part in entry.split("="))
        # A release is known by its number too: `24.04` for `24.04 LTS`.
        numbers = [word for word in edition.split() if word[0].isdigit()]
        found.update(dict.fromkeys([edition.lower(), *others, *numbers], f"{version} {edition}"))
    return found


PLATFORMS: Final = tuple(_platform(name, table) for name, table in _TABLES.items())
