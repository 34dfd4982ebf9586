"""rproxy itself in front of an application whose processes it manages."""
