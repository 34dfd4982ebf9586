"""Another configuration while clients are served: planned, rehearsed, taken in use in place."""
