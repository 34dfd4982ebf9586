import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from proxy.core.config import HealthCheck, json_schema, parse_config
from proxy.core.config.schema import example_at, keys_at
from proxy.core.config.sections.units import parse_duration, parse_size

FRONTEND = ("frontends", "web")
BACKEND = ("pools", "app", "backends", 0)


def settings() -> Iterator[tuple[str, dict[str, Any]]]:
    schema = json_schema()
    for name, section in {**schema["$defs"], "Config": schema}.items():
        assert section["description"], name
        assert section["additionalProperties"] is False, name
        for key, node in section["properties"].items():
            yield f"{name}.{key}", schema["$defs"][node["$ref"].rpartition("/")[2]] | node if "$ref" in node else node


def test_it_is_json_of_the_right_draft() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "rproxy configuration"


def test_every_setting_is_described_and_has_an_example() -> None:
    for name, node in settings():
        assert node["description"], name
        assert "\n" not in node["description"], name
        assert node["examples"], name


def test_every_default_is_as_the_description_says() -> None:
    for name, node in settings():
        if "default" not in node:
            assert "Required." in node["description"] or "$ref" in node or name in {"Config.frontends", "Config.pools"}
            continue
        said = node["description"].partition("Default")[2].lstrip(" :")
        if not said.startswith("["):
            said = said.split(",")[0].split(":")[0]
        said = said.rstrip(".")
        assert means(said.split(". ")[0], node["default"]), name


def means(said: str, default: object) -> bool:
    readings = [str(default).lower(), json.dumps(default)]
    if isinstance(default, float):
        return parse_duration(said, longest=1e9) == default
    if said.endswith("iB"):
        return parse_size(said) == default
    return said in readings or (default in (None, [], {}, "") and said.startswith(("every", "none", "for http")))


def test_names_come_from_headers_and_are_no_settings() -> None:
    assert not [name for name, _ in settings() if name.endswith(".name")]


def test_what_is_required() -> None:
    schema = json_schema()
    required = {name: section.get("required") for name, section in schema["$defs"].items() if "required" in section}
    assert required == {
        "Frontend": ["listen"],
        "Pool": ["backends"],
        "Redirect": ["to"],
        "Respond": ["status"],
        "Certificate": ["certificate", "key"],
        "FrontendTls": ["certificates"],
        "Backend": ["address"],
        "Admin": ["listen"],
    }
    assert schema["required"] == ["frontends"]
    assert schema["$defs"]["Pool"]["properties"]["backends"]["minItems"] == 1
    assert schema["$defs"]["Frontend"]["properties"]["listen"]["anyOf"][1]["minItems"] == 1


def test_a_caller_may_change_its_copy() -> None:
    json_schema()["$defs"].clear()
    assert json_schema()["$defs"]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        (
            (),
            [
                "workers",
                "worker_timeout",
                "frontends",
                "pools",
                "user",
                "group",
                "admin",
                "reload",
                "shutdown",
                "upgrade",
            ],
        ),
        (("pools",), []),
        ((*BACKEND,), ["address", "weight", "max_connections", "members", "command"]),
        ((*FRONTEND, "routes", 3, "redirect"), ["to", "status"]),
        (("pools", "x", "health_check"), [field.name for field in fields(HealthCheck)]),
        (("workers", "x"), []),
        (("shutdown", "x"), []),
    ],
)
def test_keys_at(path: tuple[str | int, ...], keys: list[str]) -> None:
    assert keys_at(path) == keys


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ((*FRONTEND, "timeouts", "idle"), 'idle = "1h"'),
        ((*FRONTEND, "socket", "reuse_port"), "reuse_port = true"),
        ((*FRONTEND, "routes"), 'routes = [{ path = "/v1/", pool = "api" }]'),
        ((*BACKEND, "weight"), "weight = 4"),
        ((*BACKEND, "nothing"), ""),
        (FRONTEND, ""),
    ],
)
def test_example_at(path: tuple[str | int, ...], example: str) -> None:
    assert example_at(path) == example


MINIMAL = """
[frontends.web]
listen = "127.0.0.1:80"
pool = "app"
[pools.app]
[pools.api]
backends = ["127.0.0.1:2"]
"""
WITHOUT = {
    "listen": 'listen = "127.0.0.1:80"',
    **dict.fromkeys(("pool", "redirect", "respond"), 'pool = "app"'),
}


@pytest.mark.parametrize(
    "section",
    [
        "frontends.web",
        "frontends.web.timeouts",
        "frontends.web.limits",
        "frontends.web.socket",
        "pools.app",
        "pools.app.timeouts",
        "pools.app.health_check",
        "shutdown",
    ],
)
def test_every_example_can_be_used(section: str) -> None:
    path = tuple(section.split("."))
    for key in keys_at(path):
        text = MINIMAL.replace(WITHOUT.get(key, "\0"), "") if section == "frontends.web" else MINIMAL
        if (section, key) != ("pools.app", "backends"):
            text = text.replace("[pools.app]", '[pools.app]\nbackends = ["127.0.0.1:1"]')
        header = f"[{section}]\n"
        if header in text:
            text = text.replace(header, header + example_at((*path, key)) + "\n")
        else:
            text += header + example_at((*path, key)) + "\n"
        if (section, key) == (
            "frontends.web",
            "proxy_protocol",
        ):  # nobody may send the header unless somebody is trusted
            text = text.replace(header, header + 'trusted_proxies = "10.0.0.0/8"\n')
        if section == "pools.app.health_check" and key in ("host", "method", "expect_status", "expect_body"):
            text = text.replace(header, header + 'path = "/healthz"\n')
        parse_config(text, key)
