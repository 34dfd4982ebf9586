"""Certificates of frontends: read, and read again when they change."""
