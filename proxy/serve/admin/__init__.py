"""What operators see and change over HTTP."""
