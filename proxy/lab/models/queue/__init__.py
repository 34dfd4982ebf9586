"""A queue server, and workers that pull the next job when they are free."""
