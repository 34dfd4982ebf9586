"""sslyze as an outside judge of what strangers meet: nothing may be worse than on nginx with Mozilla's profile."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.servers import nginx
from tests.clients.support import module, running
from tests.processes import free_port
from tests.tls import write_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

# Mozilla's "intermediate" for nginx: https://ssl-config.mozilla.org
NGINX = """
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305;
    ssl_prefer_server_ciphers off;
    ssl_session_timeout 1d;
    ssl_session_cache shared:MozSSL:10m;
    ssl_session_tickets off;
    server {{ listen {address} ssl; return 200; }}
"""
RPROXY = """
    [frontends.web]
    listen = "127.0.0.1:0"
    respond = 200

    [frontends.web.tls]
    certificates = [{{ certificate = "{certificate}", key = "{key}" }}]
"""
# Where Mozilla's profile is not met, and why that is no weakness.
EXCUSED = {
    "certificate_path_validation": "the certificate is that of this test",
    "tls_curves": "OpenSSL's defaults, as nginx has them: X448 and P-521 are more than is asked for",
    "maximum_certificate_lifespan": "the certificate is that of this test",
}


def test_nothing_is_worse_than_on_nginx(directory: Path) -> None:
    module("sslyze")
    certificate, key = write_certificate(directory, "localhost")
    address = f"127.0.0.1:{free_port()}"
    with (
        nginx(directory, address, NGINX.format(certificate=certificate, key=key, address=address)),
        running(RPROXY.format(certificate=certificate, key=key)) as rproxy,
    ):
        judged = {name: judge(directory, where) for name, where in (("nginx", address), ("rproxy", rproxy.address))}
    features = {name: set(features_of(result)) for name, (result, _) in judged.items()}
    assert "tls_1_3 TLS_AES_128_GCM_SHA256" in features["rproxy"]
    assert features["rproxy"] - features["nginx"] == set()
    assert judged["rproxy"][1] - EXCUSED.keys() == set()


def judge(directory: Path, address: str) -> tuple[dict[str, Any], set[str]]:
    """What sslyze found, and the parts of Mozilla's profile that are not met."""
    path = directory / "sslyze.json"
    command = [sys.executable, "-W", "ignore", "-m", "sslyze", "--mozilla_config=intermediate", f"--json_out={path}"]
    output = subprocess.run(  # its exit status says that something of the profile is not met, as is expected
        [*command, address.replace("127.0.0.1", "localhost")], capture_output=True, text=True, timeout=60
    ).stdout
    (server,) = json.loads(path.read_text())["server_scan_results"]
    assert server["scan_status"] == "COMPLETED", output
    _, found, verdict = output.partition("COMPLIANCE AGAINST")
    assert found
    return server["scan_result"], set(re.findall(r"^ +\* (\w+): ", verdict, re.MULTILINE))


def features_of(result: dict[str, Any]) -> Iterator[str]:
    """What the server speaks, and each answer to a question about a weakness: `heartbleed is_vulnerable_…=False`."""
    for name, scan in result.items():
        found = scan and scan["result"]
        if not found or name == "certificate_info":
            continue
        if name.endswith("_cipher_suites"):
            for suite in found["accepted_cipher_suites"]:
                yield f"{name.removesuffix('_cipher_suites')} {suite['cipher_suite']['name']}"
        elif name == "elliptic_curves":
            for curve in found["supported_curves"]:
                yield f"curve {curve['name']}"
        else:
            for key, value in found.items():
                yield f"{name} {key}={value}"
