"""What somebody meant who wrote a name that rproxy does not know."""

from collections.abc import Iterable
from difflib import get_close_matches

# Words of other proxies, and of everyday speech, for ours: the first of a list that is possible at that place.
_OTHER_WORDS = {
    "bind": ["listen"],
    "address": ["listen"],
    "addresses": ["listen"],
    "server": ["backends", "frontends"],
    "servers": ["backends", "frontends"],
    "backend": ["backends", "pool", "pools"],
    "backends": ["pools"],
    "upstream": ["pool", "backends", "pools"],
    "upstreams": ["backends", "pools"],
    "cluster": ["pool", "pools"],
    "clusters": ["pools"],
    "protocol": ["mode"],
    "algorithm": ["balance"],
    "policy": ["balance"],
    "prefix": ["path"],
    "domain": ["host"],
    "maxconn": ["max_connections", "connections"],
    "workers": ["members"],
    "processes": ["members", "workers"],
    "healthcheck": ["health_check"],
    "check": ["health_check"],
    "permissions": ["unix_mode"],
    "roundrobin": ["round-robin"],
    "leastconn": ["least-connections"],
    "leasttime": ["least-connections"],
    "p2c": ["two-choices"],
    "websockets": ["websocket"],
    "sni": ["server_name"],
    "cert": ["certificate"],
    "crt": ["certificate"],
    "cafile": ["ca"],
    "error": ["reset"],
    "timeout": ["response-head-timeout"],
    "responsetimeout": ["response-head-timeout"],
    "connfailure": ["connect-failure"],
    "emptyresponse": ["closed"],
    "junkresponse": ["bad-response"],
    "invalidheader": ["bad-response"],
    "http429": ["429"],
    "http500": ["500"],
    "http502": ["502"],
    "http503": ["503"],
    "http504": ["504"],
    "gatewayerror": ["502"],
    "5xx": ["503"],
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant, or None when nothing is like it."""
    names = list(known)
    simple = word.lower().replace("-", "").replace("_", "")
    for name in _OTHER_WORDS.get(simple, ()):
        if name in names:
            return name
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint of a message: a question, or the list of what is known; empty where nothing is."""
    names = list(known)
    if (name := nearest(word, names)) is not None:
        return f'did you mean "{name}"?'
    return f"known here: {', '.join(names)}" if names else ""
