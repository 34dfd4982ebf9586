"""From what was measured to what it means: pure, so that the same results always give the same verdict."""
