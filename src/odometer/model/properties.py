"""THE property catalogue (chapter 01): metadata, validation, derivation, filters and output read this one table."""

from dataclasses import dataclass
from typing import Final, Literal

DataType = Literal["string", "number", "boolean", "date", "events", "deliveries"]

LICENSE_TYPES: Final = ("evaluation", "purchased", "freeware", "unknown", "nfr", "custom1", "custom2", "custom3")
MAX_TEXT: Final = 256
# Custom property types (chapter 01): a label with few values, many values, an identifier of a user or site.
CUSTOM_TYPES: Final = (1, 2, 3)
IDENTIFIER_TYPE: Final = 3


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a client.

    Attributes:
        name: dotted API name (`os.version`).
        category: heading in metadata.
        friendly_name: unique label.
        data_type: kind of value; `events` and `deliveries` are lists.
        daily: True = kept for every active day (S in the definitions), False = only the last known value (C).
        sent_as: `set` = a member of a properties record; `license` = of a license record;
            `envelope` = machineId; `address` = geography; `derived` = computed, never sent.

    """

    name: str
    category: str
    friendly_name: str
    data_type: DataType
    daily: bool
    sent_as: Literal["set", "license", "envelope", "address", "derived"]

    @property
    def supports_regex(self) -> bool:
        """Whether patterns may be asked of it (chapter 01)."""
        return self.data_type == "string" and self.name != "licenseType"

    @property
    def supports_null(self) -> bool:
        """Whether it can have no value (chapter 01)."""
        is_life_figure = self.name.startswith("lifetime") and self.data_type == "number"
        return self.name != "clientId" and self.data_type != "date" and not is_life_figure and not self.is_flag

    @property
    def is_flag(self) -> bool:
        """Whether it is false, never null, when nothing was sent (chapter 09, Flags without a report)."""
        return self.name.startswith(("licenseStatus.", "optOut.", "backOff."))

    def supports_meta(self, custom_type: int | None) -> bool:
        """Whether its values can be listed (chapter 01); `custom_type` is the product's type of a custom slot."""
        unlisted = ("clientId", "machineId", "licenseKey")
        return self.data_type == "string" and self.name not in unlisted and custom_type != IDENTIFIER_TYPE

    @property
    def column(self) -> str:
        """The SQL column that holds it: snake_case of the API name."""
        return "p_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name.replace(".", "_")).lstrip("_")

    @property
    def group(self) -> str | None:
        """`os` for `os.version`, None for a property without levels."""
        return self.name.partition(".")[0] if self.category in _LEVELLED and "." in self.name else None

    @property
    def granularity(self) -> str | None:
        """`version` for `os.version`, None for a property without levels."""
        return self.name.partition(".")[2] if self.group else None


_LEVELLED = frozenset({"Geography", "Operating System", "Hardware"})


def _table(category: str, rows: str) -> list[Property]:
    """Rows of `name | friendly name | type | S or C | sent as`."""
    found = []
    for row in rows.strip().splitlines():
        name, friendly, data_type, kept, sent_as = (cell.strip() for cell in row.split("|"))
        found.append(Property(name, category, friendly, data_type, kept == "S", sent_as))  # type: ignore[arg-type]
    return found


CUSTOM_SLOTS: Final = tuple(f"C{n:02d}" for n in range(1, 21))

CATALOGUE: Final[tuple[Property, ...]] = (
    *_table(
        "Product Properties",
        """
        prodVersion  | Product Version  | string | S | set
        prodEdition  | Product Edition  | string | S | set
        prodBuild    | Product Build    | string | S | set
        prodLanguage | Product Language | string | S | set
        """,
    ),
    *_table(
        "License Properties",
        """
        licenseType             | License Type       | string  | S | license
        licenseStatus.activated | License Activated  | boolean | S | license
        licenseStatus.allowed   | License Allowed    | boolean | S | license
        licenseStatus.blocked   | License Blocked    | boolean | S | license
        licenseStatus.expired   | License Expired    | boolean | S | license
        licenseKey              | License Key        | string  | C | license
        """,
    ),
    *_table(
        "Geography",
        """
        geography.continent | Continent | string | S | address
        geography.country   | Country   | string | S | address
        geography.usState   | US State  | string | S | address
        """,
    ),
    *_table(
        "Operating System",
        """
        os.platform  | OS Platform  | string | S | set
        os.version   | OS Version   | string | S | set
        os.edition   | OS Edition   | string | S | set
        osLanguage   | OS Language  | string | S | set
        osWordLength | OS Word Length | string | C | set
        """,
    ),
    *_table(
        "Hardware",
        """
        formFactor       | Form Factor       | string  | C | set
        cpuType          | CPU Type          | string  | C | set
        cpuCores         | CPU Cores         | number  | C | set
        ram              | RAM (MB)          | number  | C | set
        displayCount     | Display Count     | number  | C | set
        resolutionWidth  | Resolution Width  | number  | C | set
        resolutionHeight | Resolution Height | number  | C | set
        screenPpi        | Screen PPI        | number  | C | set
        gpu.vendor       | GPU Vendor        | string  | C | set
        gpu.model        | GPU Model         | string  | C | set
        touchScreen      | Touch Screen      | boolean | C | set
        machineId        | Machine ID        | string  | C | envelope
        clientId         | Client ID         | string  | C | derived
        vm               | Virtual Machine   | string  | C | set
        """,
    ),
    *_table(
        "Frameworks",
        """
        dotNetVersion | .NET Version    | string | C | set
        javaVersion   | Java Version    | string | C | set
        javaVendor    | Java Vendor     | string | C | set
        javaRuntime   | Java Runtime    | string | C | set
        javaGraphics  | Java Graphics   | string | C | set
        javaVmVersion | Java VM Version | string | C | set
        javaVmName    | Java VM Name    | string | C | set
        javaVmRam     | Java VM RAM (MB) | number | C | set
        """,
    ),
    *_table(
        "Usage",
        """
        dateInstalled           | Date Installed             | date       | C | derived
        dateLastSeen            | Date Last Seen             | date       | C | derived
        lifetimeSessionCount    | Lifetime Session Count     | number     | C | derived
        lifetimeRuntimeMinutes  | Lifetime Runtime (Minutes) | number     | C | derived
        optOut.historical       | Opted Out Ever             | boolean    | C | derived
        optOut.current          | Opted Out                  | boolean    | C | derived
        backOff.historical      | Backed Off Ever            | boolean    | C | derived
        backOff.current         | Backed Off                 | boolean    | C | derived
        lifetimeEventUsage      | Lifetime Event Usage       | events     | C | derived
        reachOutDeliveries.auto | ReachOut Deliveries (Auto) | deliveries | C | derived
        reachOutDeliveries.manual | ReachOut Deliveries (Manual) | deliveries | C | derived
        """,
    ),
    *_table("Custom Properties", "\n".join(f"{slot} | {slot} | string | S | set" for slot in CUSTOM_SLOTS)),
)

BY_NAME: Final[dict[str, Property]] = {p.name: p for p in CATALOGUE}

# What derivation keeps, in catalogue order: every day's values, and values of which only the last is known.
DAILY: Final = tuple(p for p in CATALOGUE if p.daily)
CURRENT: Final = tuple(p for p in CATALOGUE if not p.daily and p.sent_as != "derived")

DELIVERIES: Final = tuple(p for p in CATALOGUE if p.data_type == "deliveries")

SETTABLE: Final = frozenset(p.name for p in CATALOGUE if p.sent_as == "set")
GEOGRAPHY: Final = tuple(p.name for p in CATALOGUE if p.sent_as == "address")
# Setting one level names the whole: the siblings that are not named become null (chapter 09, `properties`).
LEVEL_SIBLINGS: Final[dict[str, tuple[str, ...]]] = {
    name: family
    for family in (("os.platform", "os.version", "os.edition"), ("gpu.vendor", "gpu.model"))
    for name in family
}

# The sub-properties that requests may also name by level, under the bare name of the group.
LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "os": ("platform", "version", "edition"),
    "geography": ("continent", "country", "usState"),
    "gpu": ("vendor", "model"),
}
# A flag's name inside `licenseStatus` to its property; two have an older name that is accepted on input.
LICENSE_FLAGS: Final[dict[str, str]] = {
    "activated": "licenseStatus.activated",
    "allowed": "licenseStatus.allowed",
    "blocked": "licenseStatus.blocked",
    "expired": "licenseStatus.expired",
    "whitelisted": "licenseStatus.allowed",
    "blacklisted": "licenseStatus.blocked",
}


def find(name: str) -> Property | None:
    """The property of a dotted API name, an old name of a license flag included."""
    group, _, flag = name.partition(".")
    return BY_NAME.get(LICENSE_FLAGS.get(flag, name) if group == "licenseStatus" else name)
