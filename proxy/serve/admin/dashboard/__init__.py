"""One page, as it lies here."""
