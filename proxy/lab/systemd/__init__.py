"""A private systemd: a real manager in namespaces of its own, for models and for tests."""
