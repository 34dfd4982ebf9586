"""What several processes that do the same work share, and how each is known to be alive."""
