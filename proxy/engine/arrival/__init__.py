"""What may stand between accept and the session."""
