"""rproxy: a reverse proxy and load balancer that understands workers."""

__version__ = "0.1.0"
