"""The computers: operating system, hardware and frameworks, drawn so that they fit together."""

from dataclasses import dataclass
from random import Random
from typing import Final

from odometer.demo.choice import Weighted
from odometer.demo.places import COUNTRIES, Country, geography

Value = str | int | bool | None
Values = dict[str, Value]


@dataclass(frozen=True, slots=True)
class System:
    """An operating system with its three nested names."""

    platform: str
    version: str
    edition: str

    def values(self) -> Values:
        """The three levels as properties."""
        return {"os.platform": self.platform, "os.version": self.version, "os.edition": self.edition}


def _systems(platform: str, rows: str) -> list[tuple[System, float]]:
    """Rows of `version | edition weight, edition weight, ...`; each name begins with the one above it."""
    found = []
    for row in rows.strip().splitlines():
        version, _, editions = row.partition("|")
        full = f"{platform} {version.strip()}"
        for edition in editions.split(","):
            name, weight = edition.rsplit(maxsplit=1)
            found.append((System(platform, full, f"{full} {name.strip()}"), float(weight)))
    return found


_WINDOWS = _systems(
    "Microsoft Windows",
    """
    10 | Home 9, Pro 15, Enterprise 7, Education 2
    11 | Home 13, Pro 24, Enterprise 8, Education 2
    Server 2022 | Standard 1, Datacenter 0.4
    """,
)
_MAC = _systems(
    "macOS",
    """
    13 | Ventura 2
    14 | Sonoma 5
    15 | Sequoia 6
    """,
)
_LINUX = _systems(
    "Linux",
    """
    Ubuntu | 22.04 LTS 1.6, 24.04 LTS 2.4
    Debian | 12 1
    Fedora | 40 0.5, 41 0.5
    openSUSE | Leap 15.6 0.4
    Arch | Rolling 0.5
    """,
)
_SYSTEMS: Final = Weighted([*_WINDOWS, *_MAC, *_LINUX])
# What a system is one day upgraded to.
_SUCCESSOR: Final[dict[str, System]] = {
    **{old.edition: new for (old, _), (new, _) in zip(_WINDOWS[:4], _WINDOWS[4:8], strict=True)},
    _MAC[0][0].edition: _MAC[1][0],
    _MAC[1][0].edition: _MAC[2][0],
    _LINUX[0][0].edition: _LINUX[1][0],
}

# Model and number of cores.
_CPUS: Final = Weighted(
    [
        (("Intel Core i5-12400", 6), 14),
        (("Intel Core i7-12700", 12), 12),
        (("Intel Core i7-13700H", 14), 14),
        (("Intel Core i9-13900K", 24), 7),
        (("Intel Core Ultra 7 155H", 16), 8),
        (("Intel Xeon W-2245", 8), 4),
        (("AMD Ryzen 5 5600X", 6), 13),
        (("AMD Ryzen 7 7700X", 8), 13),
        (("AMD Ryzen 9 7950X", 16), 8),
        (("AMD Ryzen Threadripper 7960X", 24), 2),
        (("Intel Core i5-8250U", 4), 7),
    ]
)
_APPLE_CPUS: Final = Weighted(
    [(("Apple M1", 8), 28), (("Apple M2", 8), 26), (("Apple M3 Pro", 12), 26), (("Apple M4 Max", 16), 12)]
)
_GPUS: Final = Weighted(
    [
        (("NVIDIA", "GeForce RTX 3060"), 16),
        (("NVIDIA", "GeForce RTX 4070"), 15),
        (("NVIDIA", "RTX A2000"), 10),
        (("NVIDIA", "RTX 4000 Ada"), 7),
        (("NVIDIA", "Quadro P2200"), 5),
        (("AMD", "Radeon RX 6700 XT"), 8),
        (("AMD", "Radeon RX 7800 XT"), 7),
        (("AMD", "Radeon Pro W6600"), 5),
        (("Intel", "Iris Xe Graphics"), 14),
        (("Intel", "UHD Graphics 630"), 8),
        (("Intel", "Arc A770"), 3),
    ]
)
_RAM: Final = Weighted([(8192, 12), (16384, 36), (32768, 34), (65536, 15), (131072, 3)])
# Width, height, pixels an inch.
_SCREENS: Final = Weighted(
    [
        ((1920, 1080, 96), 42),
        ((2560, 1440, 109), 22),
        ((3840, 2160, 163), 14),
        ((1920, 1200, 141), 10),
        ((3440, 1440, 109), 7),
        ((2880, 1800, 220), 5),
    ]
)
_FORMS: Final = Weighted([("Desktop", 50), ("Laptop", 40), ("Workstation", 10)])
_DISPLAYS: Final = Weighted([(1, 46), (2, 43), (3, 10), (4, 1)])
_VIRTUAL: Final = Weighted([("VMware", 45), ("Hyper-V", 30), ("VirtualBox", 25)])
_DOT_NET: Final = Weighted([("4.8.1", 40), ("6.0.36", 14), ("8.0.11", 38), ("9.0.0", 8)])


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer and its place; two editions installed on one share it.

    Attributes:
        machine_id: random id.
        arrival: place of its first installation among all, 0 to below 1 (see `Timeline.arrival`).
        country: where it stands.
        gpu_vendor: whose graphics it has.
        values: everything it reports about itself on the first day, geography included.
        changes: (days after the first one, what is different from then on), in any order.

    """

    machine_id: str
    arrival: float
    country: Country
    gpu_vendor: str
    values: Values
    changes: list[tuple[int, Values]]


def machine(rng: Random) -> Machine:
    """Draw a machine."""
    machine_id = f"{rng.getrandbits(64):016x}"
    arrival = rng.random()
    country = COUNTRIES.pick(rng.random())
    system = _SYSTEMS.pick(rng.random())
    values: Values = {
        **geography(country, rng.random()),
        **system.values(),
        "osLanguage": country.locale if rng.random() < 0.9 else "en-US",
        "osWordLength": "64",
        **_hardware(system, rng),
    }
    if system.platform == "Microsoft Windows":
        values["dotNetVersion"] = _DOT_NET.pick(rng.random())
    return Machine(machine_id, arrival, country, str(values["gpu.vendor"]), values, _changes(system, values, rng))


def _hardware(system: System, rng: Random) -> Values:
    apple = system.platform == "macOS"
    model, cores = (_APPLE_CPUS if apple else _CPUS).pick(rng.random())
    vendor, gpu = ("Apple", f"{model} GPU") if apple else _GPUS.pick(rng.random())
    width, height, ppi = _SCREENS.pick(rng.random())
    form = _FORMS.pick(rng.random())
    values: Values = {
        "formFactor": form,
        "cpuType": model,
        "cpuCores": cores,
        "ram": _RAM.pick(rng.random()),
        "displayCount": _DISPLAYS.pick(rng.random()),
        "resolutionWidth": width,
        "resolutionHeight": height,
        "screenPpi": ppi,
        "gpu.vendor": vendor,
        "gpu.model": gpu,
        "touchScreen": form == "Laptop" and not apple and rng.random() < 0.3,
    }
    if rng.random() < 0.03:
        values["vm"] = _VIRTUAL.pick(rng.random())
    return values


def _changes(system: System, values: Values, rng: Random) -> list[tuple[int, Values]]:
    """What happens to a machine over the years: a newer system, more memory, another screen, a move."""
    found: list[tuple[int, Values]] = []
    successor = _SUCCESSOR.get(system.edition)
    if successor is not None and rng.random() < 0.4:
        found.append((rng.randrange(20, 500), successor.values()))
    if rng.random() < 0.05:
        found.append((rng.randrange(30, 400), {"ram": 2 * int(values["ram"] or 0)}))
    if rng.random() < 0.06:
        found.append((rng.randrange(10, 400), {"displayCount": int(values["displayCount"] or 0) + 1}))
    if rng.random() < 0.012:
        found.append((rng.randrange(30, 400), {**geography(COUNTRIES.pick(rng.random()), rng.random())}))
    return found
