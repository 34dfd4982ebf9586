"""A tuple space, and workers that take the tuples that match their pattern."""
