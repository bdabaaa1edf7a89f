"""The documentation page /docs: the OpenAPI document as one HTML page that loads nothing and runs nothing."""

import json
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from odometer.http.openapi import STANDING

_STYLE: Final = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
details { border: 1px solid #8886; border-radius: .4rem; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8882; border-radius: .4rem; overflow-x: auto; padding: .6rem .8rem; }
table { border-collapse: collapse; } td, th { border-bottom: 1px solid #8884; padding: .2rem .8rem .2rem 0;
text-align: left; vertical-align: top; }
.method { display: inline-block; font-weight: 700; min-width: 4rem; } .quiet { opacity: .75; }
"""
# Nothing may be loaded or run, even if text of the description should ever be hostile.
CONTENT_SECURITY_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def docs_page(document: dict[str, Any]) -> str:
    """The page for this OpenAPI document."""
    info = document["info"]
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            groups.setdefault(described.get("tags", ["Other"])[0], []).append(_operation(path, method, described))
    sections = "".join(f"<h2>{escape(name)}</h2>{''.join(found)}" for name, found in groups.items())
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} API <small class='quiet'>{escape(info['version'])}</small></h1>"
        f"<p>{escape(info['description'])}</p>"
        '<p>For machines: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
        f"{sections}</body></html>"
    )


def _operation(path: str, method: str, described: dict[str, Any]) -> str:
    content: dict[str, Any] = described.get("requestBody", {}).get("content", {})
    parts = [
        f"<p>{escape(described.get('description', ''))}</p>",
        _standing(described.get(STANDING, {})),
        _parameters(described.get("parameters", [])),
    ]
    for media_type, body in content.items():
        parts.append(f"<h4>Request <code>{escape(media_type)}</code></h4>{_members(body.get('schema', {}))}")
        parts.append(_example(body.get("example")))
    for status, answer in sorted(described.get("responses", {}).items()):
        for body in answer.get("content", {}).values():
            if "example" in body:
                parts += [f"<h4>Answer {escape(status)}</h4>", _example(body["example"])]
    statuses = ", ".join(sorted(described.get("responses", {})))
    return (
        f"<details><summary><code><span class='method'>{method.upper()}</span> {escape(path)}</code> "
        f"<span class='quiet'>{escape(described.get('summary', ''))}</span></summary>"
        f"{''.join(parts)}<p class='quiet'>Statuses: {escape(statuses)}</p></details>"
    )


def _standing(standing: dict[str, str]) -> str:
    rows = [("settled by public clients", standing.get("settled", "")), ("our decision", standing.get("ours", ""))]
    return _table(("compatibility", ""), [row for row in rows if row[1]])


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = [(item["name"], item["in"], item.get("description", "")) for item in parameters]
    return _table(("parameter", "in", "meaning"), rows)


def _members(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (name, "required" if name in required else "", member.get("description", ""))
        for name, member in schema.get("properties", {}).items()
    ]
    return _table(("member", "", "meaning"), rows)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _example(example: object) -> str:
    return "" if example is None else f"<pre>{escape(json.dumps(example, indent=2))}</pre>"
