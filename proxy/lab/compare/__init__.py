"""`rproxy compare`: which cells are run in which order, each in a process of its own, and what comes of it."""
