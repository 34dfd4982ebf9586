"""The configuration reference of the README, rendered from the JSON Schema that the configuration is checked with.

`python -m tests.configs.reference` puts it into README.md; a test fails when it is not what it should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy.core.config import json_schema
from tests.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

README = ROOT / "README.md"
BEGIN = "<!-- reference: made by `python -m tests.configs.reference` -->\n"
END = "<!-- end of reference -->\n"
# Where each section stands in a file, in the order of the README.
HEADERS = {
    "Config": "top level",
    "Frontend": "[frontends.NAME]",
    "Route": "[[frontends.NAME.routes]]",
    "Redirect": "[frontends.NAME.redirect]",
    "Respond": "[frontends.NAME.respond]",
    "FrontendTimeouts": "[frontends.NAME.timeouts]",
    "FrontendLimits": "[frontends.NAME.limits]",
    "ListenOptions": "[frontends.NAME.socket]",
    "FrontendTls": "[frontends.NAME.tls]",
    "Certificate": "[[frontends.NAME.tls.certificates]]",
    "AccessLog": "[frontends.NAME.access_log]",
    "Pool": "[pools.NAME]",
    "Backend": "[[pools.NAME.backends]]",
    "PoolTimeouts": "[pools.NAME.timeouts]",
    "PoolTls": "[pools.NAME.tls]",
    "HealthCheck": "[pools.NAME.health_check]",
    "Ejection": "[pools.NAME.ejection]",
    "RetryBudget": "[pools.NAME.retry_budget]",
    "Admin": "[admin]",
    "Reload": "[reload]",
    "Shutdown": "[shutdown]",
    "Upgrade": "[upgrade]",
}

Node = dict[str, Any]


def render() -> str:
    """Markdown: a heading and a table per section."""
    schema = json_schema()
    sections = {"Config": schema, **schema["$defs"]}
    assert sections.keys() == HEADERS.keys(), "a section is new or gone: name it in HEADERS"
    return "\n".join(_section(header, sections[name], schema) for name, header in HEADERS.items())


def _section(header: str, section: Node, schema: Node) -> str:
    title = f"`{header}`" if header.startswith("[") else header.capitalize()
    rows = "".join(_rows(section, schema))
    return f"### {title}\n\n{section['description']}\n\n| key | values | meaning |\n|---|---|---|\n{rows}"


def _rows(section: Node, schema: Node) -> Iterator[str]:
    for key, node in section["properties"].items():
        values = _joined(_values(node, schema))
        description = node.get("description") or schema["$defs"][_section_of(node)]["description"]
        yield f"| `{key}` | {values} | {description} |\n"


def _values(node: Node, schema: Node) -> Iterator[str]:
    """What may be written, in words."""
    if "$ref" in node:
        yield f"table `{HEADERS[_section_of(node)]}`"
    elif "enum" in node:
        yield from (f"`{_toml(value)}`" for value in node["enum"])
    elif "anyOf" in node:
        for option in node["anyOf"]:
            yield from _values(option, schema)
    elif node["type"] == "array":
        items = " or ".join(dict.fromkeys(_values(node["items"], schema)))  # no setting takes an array of sizes
        yield f"array of {items}"
    elif node["type"] == "object" and "type" in node["additionalProperties"]:
        yield "table of text"
    elif node["type"] == "object":
        yield f"tables `{HEADERS[_section_of(node['additionalProperties'])]}`"
    elif node["type"] != "null":
        yield {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(node["type"], node["type"])


def _section_of(node: Node) -> str:
    name: str = node["$ref"].rpartition("/")[2]
    return name


def _joined(values: Iterator[str]) -> str:
    text = " or ".join(dict.fromkeys(values))
    return {"text or number": "duration", "text or whole number": "size"}.get(text, text)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def inserted(readme: str) -> str:
    """The README with the reference as it should be."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert "" not in (begin, end), "the markers around the reference are gone"
    return f"{before}{BEGIN}\n{render()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(inserted(README.read_text()))
