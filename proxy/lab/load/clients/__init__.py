"""Connections to the target, and who uses which: kept alive, one per request, both, or one per client for ever."""
