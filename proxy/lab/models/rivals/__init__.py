"""Other reverse proxies in rproxy's place: nginx, HAProxy, Envoy, Caddy, with what they are best at."""
