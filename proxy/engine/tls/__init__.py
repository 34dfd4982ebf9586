"""TLS on the engine, towards clients and towards backends."""
