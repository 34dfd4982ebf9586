"""Who a client is, by what it, its proxies and its certificate say, and whether it may come in."""
