"""The layers of DESIGN section 5, by walking the imports; and that every source file with logic has its test file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "proxy").rglob("*.py"))

# A layer may import itself and those to its right.
LAYERS = ["cli", "lab", "doctor", "top", "serve", "engine", "core"]
IMPURE = {"trio", "socket", "select", "logging", "time", "asyncio", "threading", "subprocess"}
ELSEWHERE = {  # what has no mirrored test file, and why
    "proxy/core/http/framing.py": "what requests and responses share; core/http/test_request.py and test_response.py",
    "proxy/core/http/request_fields.py": "core/http/test_request.py sends every field",
    "proxy/core/client/claims.py": "core/client/test_forwarding.py holds what is read against what is told",
    "proxy/core/balance/__init__.py": "an interface; core/balance/test_registry.py holds every policy to it",
    "proxy/core/workers/share.py": "a record; engine/shared/test_sharing.py",
    "proxy/core/config/sections/frontend.py": "fields only; core/config/test_load.py and test_schema.py read them all",
    "proxy/core/config/sections/model.py": "fields only; core/config/test_load.py and test_schema.py read them all",
    "proxy/core/config/sections/pool.py": "fields only; core/config/test_load.py and test_schema.py read them all",
    "proxy/core/config/sections/policy.py": "fields only; core/config/rules/test_policy_rules.py reads them all",
    "proxy/core/config/sections/route.py": "fields only; core/config/test_load.py and test_schema.py read them all",
    "proxy/core/config/problem.py": "what core/config/test_messages.py and test_report.py compare",
    "proxy/core/config/sections/section.py": "the base of all sections; core/config/test_schema.py",
    "proxy/core/config/sections/tls.py": "fields only; core/config/rules/test_tls_rules.py and test_schema.py",
    "proxy/core/client/peer.py": "fields only; engine/test_listener.py reads them",
    "proxy/lab/results.py": "records only",
    "proxy/lab/compare/options.py": "lab/compare/test_command.py parses by it",
    "proxy/lab/response_heads.py": "lab/load/clients/test_answer.py and lab/models/pull/test_responses.py read by it",
    "proxy/lab/models/pull/in_memory.py": "both servers in lab/models/ run by it",
    "proxy/lab/deployment.py": "an interface; lab/models/ has a test for each of its implementations",
    "proxy/lab/figures.py": "a table; lab/report/ shows every figure of it",
    "proxy/lab/models/children.py": "lab/models/test_direct.py starts, kills and ends some",
    "proxy/lab/models/rproxy/deployed.py": "lab/models/rproxy/test_model.py has rproxy do what it does",
    "proxy/lab/models/crew.py": "lab/models/test_reuseport.py kills, restarts and scales one",
    "proxy/lab/models/free_port.py": "every test in lab/models/ serves on one",
    "proxy/lab/models/model.py": "an interface; lab/models/ has a test for each of its implementations",
    "proxy/lab/models/pull/peer.py": "lab/models/queue/beanstalk/test_server.py talks to a server of them",
    "proxy/lab/models/queue/beanstalk/__main__.py": "lab/models/queue/beanstalk/test_server.py starts it",
    "proxy/lab/models/queue/beanstalk/client.py": "lab/models/queue/beanstalk/test_session.py has some in every state",
    "proxy/lab/models/queue/beanstalk/commands.py": "lab/models/queue/beanstalk/test_server.py sends them all",
    "proxy/lab/models/queue/beanstalk/holding.py": "lab/models/queue/beanstalk/test_server.py sends them all",
    "proxy/lab/models/queue/beanstalk/looking.py": "lab/models/queue/beanstalk/test_server.py sends them all",
    "proxy/lab/models/queue/beanstalk/words.py": "lab/models/queue/beanstalk/test_server.py says all that is wrong",
    "proxy/lab/models/queue/beanstalk/statistics.py": "lab/models/queue/beanstalk/test_server.py has others read them",
    "proxy/lab/models/queue/beanstalk/store.py": "lab/models/queue/beanstalk/test_session.py, by every command",
    "proxy/lab/models/queue/beanstalk/tube.py": "lab/models/queue/beanstalk/test_session.py, by every command",
    "proxy/lab/emit/behind_units.py": "lab/emit/test_units.py has them behind everything",
    "proxy/lab/emit/pull_units.py": "lab/emit/test_units.py has them serve under systemd",
    "proxy/lab/emit/rival_units.py": "lab/emit/test_units.py has them serve under systemd",
    "proxy/lab/emit/wish.py": "records; lab/emit/test_units.py writes and refuses by them",
    "proxy/lab/emit/options.py": "lab/emit/test_command.py parses by it",
    "proxy/lab/emit/unit_files.py": "lab/emit/test_worker_units.py has them said; test_units.py has systemd read them",
    "proxy/lab/models/systemd/deployed.py": "lab/models/systemd/test_template.py and test_sockets.py",
    "proxy/lab/models/systemd/lab_application.py": "lab/models/systemd/test_template.py names a missing program",
    "proxy/lab/models/rivals/admin.py": "lab/models/rivals/test_model.py asks Envoy and Caddy through it",
    "proxy/lab/models/rivals/behind.py": "lab/models/rivals/test_model.py kills, replaces, adds and removes workers",
    "proxy/lab/models/rivals/caddy.py": "lab/models/rivals/test_model.py deploys it",
    "proxy/lab/models/rivals/envoy.py": "lab/models/rivals/test_model.py deploys it",
    "proxy/lab/models/rivals/haproxy.py": "lab/models/rivals/test_model.py deploys it",
    "proxy/lab/models/rivals/nginx.py": "lab/models/rivals/test_model.py deploys it",
    "proxy/lab/models/rivals/rival.py": "an interface; lab/models/rivals/test_model.py deploys all of them",
    "proxy/lab/models/pull/broker.py": "interfaces; lab/models/pull/test_deployment.py has all of them",
    "proxy/lab/models/pull/choose.py": "lab/models/pull/test_deployment.py chooses both",
    "proxy/lab/models/pull/dial.py": "lab/models/pull/test_application.py connects by it",
    "proxy/lab/models/pull/mechanism.py": "a record; lab/models/pull/test_deployment.py runs what it names",
    "proxy/lab/models/pull/pulling.py": "lab/models/pull/test_deployment.py starts, kills and ends some",
    "proxy/lab/models/pull/suits.py": "lab/models/queue/test_model.py",
    "proxy/lab/models/pull/worker.py": "lab/models/pull/test_deployment.py starts, kills and ends some",
    "proxy/lab/models/queue/post.py": "lab/models/pull/test_gateway.py sends by it",
    "proxy/lab/models/queue/source.py": "lab/models/pull/test_deployment.py has workers pull by it",
    "proxy/lab/models/queue/words.py": "lab/models/pull/test_gateway.py, by every request",
    "proxy/lab/models/tuple_space/__main__.py": "lab/models/tuple_space/test_server.py starts it",
    "proxy/lab/models/tuple_space/post.py": "lab/models/pull/test_deployment.py sends by it",
    "proxy/lab/models/tuple_space/source.py": "lab/models/pull/test_deployment.py has workers pull by it",
    "proxy/lab/models/tuple_space/words.py": "lab/models/pull/test_deployment.py, by every request",
    "proxy/lab/load/__main__.py": "lab/load/test_generate.py starts, signals and orphans it",
    "proxy/lab/load/generator.py": "lab/load/test_generate.py has it make every kind of load",
    "proxy/lab/load/open_loop.py": "lab/load/test_generate.py has it make every kind of load",
    "proxy/lab/load/closed_loop.py": "lab/load/test_generate.py has it make every kind of load",
    "proxy/lab/load/result.py": "lab/load/test_generate.py reads what it writes",
    "proxy/lab/load/prompt_reactor.py": "lab/load/test_generate.py runs on it",
    "proxy/lab/load/clients/connection.py": "lab/load/clients/test_pools.py has pools of them against every server",
    "proxy/lab/load/clients/causes.py": "lab/load/clients/test_pools.py meets nearly every cause",
    "proxy/lab/simulate/work.py": "what every test in lab/simulate/ moves",
    "proxy/lab/simulate/options.py": "lab/simulate/test_command.py parses by it",
    "proxy/engine/sock.py": "an interface; engine/tls/test_tls_socket.py holds TlsSocket to it",
    "proxy/engine/http/reading.py": "a parser and a cache; engine/http/test_telling.py",
    "proxy/engine/http/waiting.py": "an enumeration; engine/http/ has a test for each of its members",
    "proxy/core/statistics.py": "records only",
    "proxy/engine/live_pool.py": "settings and counts; engine/test_change_pool.py and http/test_retries.py",
    "proxy/engine/make_backends.py": "every test in engine/ runs it",
    "proxy/serve/control/controlled.py": "what serve/test_controller.py changes",
    "proxy/serve/listeners.py": "engine/test_listener.py binds by it",
    "proxy/serve/one_process.py": "every test in engine/ runs it",
    "proxy/serve/machine/file_stamp.py": "serve/tls/test_certificate_watch.py and serve/reload/ replace files",
    "proxy/serve/backends/child.py": "one process; serve/test_managed.py starts and ends real ones",
    "proxy/serve/backends/die_with_parent.py": "serve/test_managed.py kills a parent",
    "proxy/serve/backends/managed_backends.py": "joins two tested halves; configs/test_configs.py starts real groups",
    "proxy/serve/backends/managed_spec.py": "a record; serve/test_managed.py",
    "proxy/serve/control/controlling.py": "starts four tested tasks; every test in engine/ runs it",
    "proxy/serve/phase.py": "test_cli.py sends every signal, serve/upgrade/test_upgrade.py those of an upgrade",
    "proxy/serve/machine/port_owner.py": "test_cli.py takes a port away",
    "proxy/serve/run.py": "test_cli.py starts, signals and ends it",
    "proxy/serve/upgrade/midwife.py": "serve/upgrade/test_successor.py starts processes through it",
    "proxy/serve/upgrade/predecessor.py": "serve/upgrade/test_successor.py has both ends of the conversation",
    "proxy/serve/upgrade/take_backends.py": "serve/upgrade/test_managed.py takes real ones over",
    "proxy/serve/server.py": "every test in engine/ runs it",
    "proxy/serve/reload/departing.py": "serve/reload/test_reconfiguration.py takes away what is in use",
    "proxy/serve/table.py": "test_cli.py reads what it prints",
    "proxy/serve/machine/tuning.py": "two calls, made by every start in test_cli.py",
    "proxy/serve/logs/program_log.py": "test_cli.py and serve/workers/test_supervisor.py read its lines",
    "proxy/serve/workers/attendance.py": "serve/workers/test_supervisor.py hangs and kills what is attended",
    "proxy/serve/workers/begin.py": "a record; serve/workers/test_supervisor.py",
    "proxy/serve/workers/process.py": "serve/workers/test_spawning.py waits for some and kills them",
    "proxy/serve/workers/spawner.py": "serve/workers/test_spawning.py starts and kills it",
    "proxy/serve/workers/supervised.py": "serve/workers/test_supervisor.py kills, hangs and ends what it looks after",
    "proxy/serve/workers/worker.py": "serve/workers/test_supervisor.py runs several",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer_of(module: str) -> str:
    """`proxy.engine.flow` is engine; `proxy` and `proxy.__main__` stand above all."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> list[tuple[str, str]]:
    """(module, name) of every import in the file, those for annotations included; name is "" for `import module`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [(node.module or "", alias.name) for alias in node.names]
    return found


def test_there_is_something_to_walk() -> None:
    assert len(SOURCES) > 40
    assert ("proxy.core.errors", "ProxyError") in imports(ROOT / "proxy/engine/relay.py")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    own = layer_of(module_of(path))
    if own not in LAYERS:
        return
    for module, name in imports(path):
        if module == "proxy":
            assert name.startswith("__"), f"{name}: import the module it is in"
        elif module.startswith("proxy."):
            assert LAYERS.index(layer_of(module)) >= LAYERS.index(own), f"{own} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nobody_imports_the_sample_backends_or_the_tests(path: Path) -> None:
    assert not {module.partition(".")[0] for module, _ in imports(path)} & {"backends", "tests"}


@pytest.mark.parametrize("path", [p for p in SOURCES if layer_of(module_of(p)) == "core"], ids=name_of)
def test_core_is_pure(path: Path) -> None:
    """No sockets, clock, logging or global random: `now` and `rng` are arguments. `Random` may stand in annotations."""
    for module, name in imports(path):
        assert module.partition(".")[0] not in IMPURE, module
        if module == "random":
            assert name == "Random"
    assert "Random()" not in path.read_text()


def has_logic(path: Path) -> bool:
    """More than a docstring, imports and plain values."""
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, logic) for node in ast.parse(path.read_text()).body)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_source_file_has_its_test_file(path: Path) -> None:
    mirrored = ROOT / "tests" / path.relative_to(ROOT / "proxy").parent / f"test_{path.name}"
    if name_of(path) in ELSEWHERE:
        assert not mirrored.exists(), "no exception any more"
    else:
        assert mirrored.exists() or not has_logic(path), f"no {mirrored.relative_to(ROOT)}"


def test_every_exception_exists() -> None:
    for name in ELSEWHERE:
        assert (ROOT / name).exists(), name
