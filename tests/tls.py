"""Certificates for tests: an authority that this process made, what it has signed, and contexts that believe it."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@cache
def authority(name: str = "tests") -> trustme.CA:
    return trustme.CA(organization_name=name)


@cache
def certificate(*names: str, signed_by: str = "tests") -> trustme.LeafCert:
    """names: of hosts, or IP addresses. A key on P-256."""
    return authority(signed_by).issue_cert(*names)


def write_certificate(directory: Path, *names: str, stem: str = "server") -> tuple[str, str]:
    """The files of a certificate with its chain, and of its key."""
    leaf, cert, key = certificate(*names), directory / f"{stem}.pem", directory / f"{stem}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(key))
    return str(cert), str(key)


def write_authority(directory: Path, name: str = "tests") -> str:
    path = directory / f"{name}-ca.pem"
    authority(name).cert_pem.write_to_path(str(path))
    return str(path)


def server_context(*names: str, signed_by: str = "tests") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(*(names or ("localhost",)), signed_by=signed_by).configure_cert(context)
    return context


def client_context(trusts: str = "tests") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority(trusts).configure_trust(context)
    return context


@contextmanager
def authority_file() -> Iterator[str]:
    with authority().cert_pem.tempfile() as path:
        yield path
