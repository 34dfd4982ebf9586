"""What is decided, and what is known: of backends, of the pools that they are in, of everything that runs."""
