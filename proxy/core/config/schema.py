"""The JSON Schema of a configuration file, for editors (`rproxy schema`) and for finding keys and examples by path."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from proxy.core.config.sections.model import Config

Node = dict[str, Any]
Path = Sequence[str | int]

# Python gives these defaults, so that a file with one fault elsewhere is still checked whole; `rules` wants them given.
_ALSO_REQUIRED = {"Frontend": ["listen"], "Pool": ["backends"], "FrontendTls": ["certificates"]}


@cache
def adapter() -> TypeAdapter[Config]:
    return TypeAdapter(Config)


def json_schema() -> Node:
    """Draft 2020-12, with titles, descriptions, defaults and examples; a fresh dict each time."""
    schema = adapter().json_schema()
    for section, keys in _ALSO_REQUIRED.items():
        schema["$defs"][section].setdefault("required", []).extend(keys)
        for key in keys:
            _refuse_empty(schema["$defs"][section]["properties"][key])
    _join_lines(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "rproxy configuration"}


def _refuse_empty(node: Node) -> None:
    del node["default"]
    for option in node.get("anyOf", [node]):
        if option["type"] == "array":
            option["minItems"] = 1


def _join_lines(node: object) -> None:
    """The descriptions are wrapped where the source is wrapped; an editor wraps them itself."""
    if isinstance(node, dict):
        if isinstance(text := node.get("description"), str):
            node["description"] = " ".join(text.split())
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _join_lines(child)


def keys_at(path: Path) -> list[str]:
    """The keys that the table at this path may have; none if it is no table, or one whose keys are free names."""
    return [key for option in _options(_node_at(path)) for key in option.get("properties", ())]


def example_at(path: Path) -> str:
    """A valid line for the setting at this path: `idle = "1h"`; empty where there is none."""
    examples = _node_at(path).get("examples")
    return _line(str(path[-1]), examples[0]) if examples else ""


@cache
def _schema() -> Node:
    return json_schema()


def _node_at(path: Path) -> Node:
    node = _schema()
    for part in path:
        node = next((child for option in _options(node) if (child := _child(option, part))), {})
    return node


def _options(node: Node) -> list[Node]:
    """The alternatives of a node, references followed: a backend is either text or a table."""
    return [_resolve(option) for option in _resolve(node).get("anyOf", [node])]


def _resolve(node: Node) -> Node:
    return _schema()["$defs"][node["$ref"].rpartition("/")[2]] | node if "$ref" in node else node


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(part, int):
        return node.get("items")
    known = node.get("properties", {}).get(part)
    return known or node.get("additionalProperties") or None  # additionalProperties is false where keys are fixed


def _line(key: str, value: object) -> str:
    """A table in a table gets a dotted key: `pools.app = { … }`."""
    if isinstance(value, dict) and isinstance(inner := next(iter(value.values())), dict):
        return _line(f"{key}.{next(iter(value))}", inner)
    return f"{key} = {_toml(value)}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)  # text, numbers and booleans look the same in JSON and TOML
