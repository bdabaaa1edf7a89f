"""What Facet CAD is: its editions, releases, features, crashes and custom properties."""

from dataclasses import dataclass
from typing import Final, Literal

from odometer.demo.choice import Weighted


@dataclass(frozen=True, slots=True)
class CustomName:
    """The label of a custom property slot and its kind (chapter 01: 1 few values, 2 many values, 3 identifier)."""

    slot: str
    label: str
    custom_type: Literal[1, 2, 3]


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """How the sample product presents itself; the rest of the demo belongs to it."""

    name: str
    clients: int
    months: int
    custom_names: tuple[CustomName, ...]


DEMO_PRODUCT: Final = DemoProduct(
    name="Facet CAD",
    clients=20_000,
    months=14,
    custom_names=(
        CustomName("C01", "Industry", 1),
        CustomName("C02", "Acquisition Channel", 1),
        CustomName("C03", "UI Theme", 1),
        CustomName("C04", "Reseller", 2),
        CustomName("C05", "Site ID", 3),
    ),
)

INDUSTRIES: Final = Weighted(
    [
        ("Mechanical", 30),
        ("Architecture", 22),
        ("Education", 15),
        ("Hobby", 14),
        ("Civil", 8),
        ("Electronics", 6),
        ("Furniture", 5),
    ]
)
CHANNELS: Final = Weighted(
    [
        ("Web search", 36),
        ("Recommendation", 22),
        ("Advertisement", 16),
        ("Reseller", 12),
        ("Trade fair", 6),
        ("Video", 8),
    ]
)
THEMES: Final = Weighted([("System", 50), ("Dark", 34), ("Light", 14), ("High contrast", 2)])
RESELLERS: Final = Weighted((f"Reseller {number:02d}", 1 / number) for number in range(1, 41))

FREE, STANDARD, PRO, ENTERPRISE = "Free", "Standard", "Pro", "Enterprise"
EDITION_RANK: Final = {FREE: 0, STANDARD: 1, PRO: 2, ENTERPRISE: 3}


@dataclass(frozen=True, slots=True)
class Release:
    """A release; `at` is when it came out as a share of the history (below 0: before it began)."""

    version: str
    build: str
    at: float
    major: bool


RELEASES: Final = (
    Release("6.0", "6.0.0.4117", -0.20, major=True),
    Release("6.1", "6.1.0.4380", 0.0, major=False),
    Release("6.2", "6.2.0.4655", 0.14, major=False),
    Release("6.3", "6.3.1.4902", 0.28, major=False),
    Release("7.0", "7.0.0.5210", 0.42, major=True),
    Release("7.1", "7.1.0.5433", 0.57, major=False),
    Release("7.2", "7.2.0.5478", 0.66, major=False),
    Release("8.0", "8.0.0.6001", 0.82, major=True),
)
BUGGY_VERSION: Final = "7.1"


@dataclass(frozen=True, slots=True)
class Feature:
    """One tracked feature.

    Attributes:
        category: event category; None: reported without one.
        name: event name.
        popularity: weight among the features that a user knows.
        depth: how deep it hides: mean active days until a user finds it; 0 is in plain sight.
        intensity: uses on a day with any.
        value: mean of the number reported with each use, None when there is none.
        rank: least edition that has it, as in EDITION_RANK.

    """

    category: str | None
    name: str
    popularity: float
    depth: float
    intensity: float
    value: float | None
    rank: int


def _features(category: str | None, rows: str) -> list[Feature]:
    """Rows of `name | popularity | depth | intensity | value or - | edition rank`."""
    found = []
    for row in rows.strip().splitlines():
        name, popularity, depth, intensity, value, rank = (cell.strip() for cell in row.split("|"))
        mean = None if value == "-" else float(value)
        found.append(Feature(category, name, float(popularity), float(depth), float(intensity), mean, int(rank)))
    return found


FEATURES: Final = (
    *_features(
        "File",
        """
        Open Drawing  | 60 | 0  | 3 | -   | 0
        Save          | 70 | 0  | 6 | -   | 0
        Import STEP   | 14 | 4  | 2 | 8.4 | 0
        Export PDF    | 24 | 2  | 2 | 1.6 | 0
        Export STL    | 13 | 5  | 2 | 5.2 | 0
        Compare Files | 4  | 25 | 1 | -   | 2
        """,
    ),
    *_features(
        "Sketch",
        """
        Line           | 55 | 0  | 14 | -   | 0
        Rectangle      | 38 | 0  | 6  | -   | 0
        Arc            | 24 | 1  | 4  | -   | 0
        Spline         | 11 | 6  | 3  | -   | 0
        Smart Dimension | 34 | 2 | 8  | -   | 0
        Constraints    | 22 | 9  | 6  | -   | 0
        Mirror Sketch  | 9  | 8  | 2  | -   | 0
        """,
    ),
    *_features(
        "Solid",
        """
        Extrude       | 44 | 0  | 6 | -   | 0
        Revolve       | 17 | 3  | 3 | -   | 0
        Fillet        | 26 | 2  | 5 | 3.5 | 0
        Chamfer       | 15 | 3  | 3 | 1.5 | 0
        Shell         | 9  | 7  | 2 | -   | 0
        Loft          | 6  | 14 | 2 | -   | 1
        Sweep         | 7  | 12 | 2 | -   | 1
        Boolean Union | 13 | 5  | 3 | -   | 0
        Parameter Table | 8 | 22 | 4 | -  | 1
        """,
    ),
    *_features(
        "Assembly",
        """
        Insert Part      | 18 | 6  | 4 | -  | 0
        Mate             | 15 | 9  | 7 | -  | 1
        Exploded View    | 5  | 18 | 1 | -  | 1
        Collision Check  | 5  | 20 | 2 | -  | 2
        Motion Study     | 3  | 30 | 1 | 42 | 2
        Bill of Materials | 8 | 15 | 1 | -  | 1
        """,
    ),
    *_features(
        "Drawing",
        """
        New Sheet    | 17 | 4  | 2 | - | 0
        Section View | 12 | 7  | 2 | - | 0
        Auto Balloon | 4  | 20 | 2 | - | 1
        Title Block  | 9  | 8  | 1 | - | 0
        Print Sheet  | 14 | 3  | 2 | - | 0
        """,
    ),
    *_features(
        "Render",
        """
        Photo Render    | 9 | 8  | 2 | 38.5 | 0
        Material Editor | 8 | 9  | 3 | -    | 0
        Walkthrough     | 3 | 22 | 1 | 95   | 2
        Sun Study       | 2 | 35 | 1 | 61   | 2
        """,
    ),
    *_features(
        "Automation",
        """
        Record Macro | 3 | 25 | 1 | -   | 1
        Run Script   | 5 | 28 | 4 | 2.8 | 2
        Batch Export | 3 | 30 | 1 | 24  | 2
        Command Search | 12 | 12 | 3 | - | 0
        """,
    ),
    *_features(
        "Collaboration",
        """
        Share Link    | 9 | 7  | 1 | - | 0
        Add Comment   | 8 | 9  | 3 | - | 0
        Check In      | 9 | 11 | 3 | - | 3
        Review Markup | 4 | 18 | 2 | - | 2
        """,
    ),
    *_features(None, "Tip of the Day | 6 | 0 | 1 | - | 0"),
)
# Who finds one of these stays longer: what the lost ones missed.
STICKY_FEATURES: Final = frozenset({"Constraints", "Parameter Table", "Command Search", "Mate"})

EXPORT_FORMATS: Final = Weighted([("PDF", 40), ("STL", 22), ("STEP", 18), ("DXF", 12), ("IFC", 5), ("3MF", 3)])


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception as the application reports it."""

    class_name: str
    method_name: str
    message: str
    stack_trace: str


def _crash(class_name: str, method_name: str, message: str, *frames: str) -> Crash:
    lines = [f"{class_name}: {message}", *(f"   at {frame}" for frame in (method_name, *frames))]
    return Crash(class_name, method_name, message, "\n".join(lines))


_LOOP = "Facet.App.MessageLoop.Run()"
CRASHES: Final = Weighted(
    [
        (
            _crash(
                "System.IO.IOException", "Facet.Files.Writer.Flush", "The disk is full.", "Facet.Files.Save()", _LOOP
            ),
            6,
        ),
        (_crash("Facet.Geometry.KernelException", "Facet.Geometry.Boolean.Unite", "Self-intersecting body.", _LOOP), 5),
        (_crash("System.OutOfMemoryException", "Facet.Mesh.Tessellator.Refine", "Out of memory.", _LOOP), 3),
        (_crash("Facet.Licensing.ServerException", "Facet.Licensing.Client.Renew", "No answer in 30 s.", _LOOP), 2),
        (
            _crash(
                "System.FormatException", "Facet.Import.Step.ReadHeader", "Unknown schema name.", "Facet.Import.Open()"
            ),
            2,
        ),
    ]
)
# What the buggy release is remembered for; it hits one graphics vendor more than the others.
RENDER_CRASH: Final = _crash(
    "Facet.Render.DeviceLostException",
    "Facet.Render.Swapchain.Present",
    "The graphics device was removed.",
    "Facet.Render.Viewport.Draw(Scene)",
    _LOOP,
)
RENDER_CRASH_VENDOR: Final = "AMD"
