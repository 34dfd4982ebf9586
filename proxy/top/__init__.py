"""`rproxy top`: what the dashboard shows, in a terminal."""
