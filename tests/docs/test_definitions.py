"""References resolve: links between pages with their anchors, and what code says of the definitions."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEFINITIONS = ROOT / "docs" / "definitions"
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# `chapter 09`, `chapters 04, 05`, and `chapter 09, Deleting` for a heading of its page.
CHAPTER = re.compile(r"[Cc]hapters? (\d\d)(?:(?:,| and) (\d\d))*")
HEADING = re.compile(r"[Cc]hapter (\d\d), ([A-Z][A-Za-z -]+)")


def anchor(heading: str) -> str:
    """The address that a heading gets on the pages of code hosts."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [re.sub(r"[`*]", "", found) for found in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)]


def chapter(number: str) -> Path | None:
    return next(DEFINITIONS.glob(f"{number}-*.md"), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (place and place not in map(anchor, headings(target))):
            lost.append(link)

    assert lost == []


def test_headings_of_the_definitions_are_unique() -> None:
    for page in DEFINITIONS.glob("*.md"):
        names = [anchor(heading) for heading in headings(page)]
        assert sorted(names) == sorted(set(names)), page.name


def test_what_code_says_of_the_definitions_is_there() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "src", "tests", "bench"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lost, references = [], 0
    for name in listed.stdout.split():
        if not name.endswith(".py"):
            continue
        # References may go on in the next line of a comment.
        text = re.sub(r"\s+#? *", " ", (ROOT / name).read_text())
        for number, rest in HEADING.findall(text):
            page = chapter(number)
            if page is None or not any(rest.startswith(heading) for heading in headings(page)):
                lost.append(f"{name}: chapter {number}, {rest}")
        for found in CHAPTER.finditer(text):
            references += 1
            lost += [f"{name}: chapter {n}" for n in re.findall(r"\d\d", found[0]) if chapter(n) is None]

    assert lost == []
    assert references > 200
