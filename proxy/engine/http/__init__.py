"""HTTP mode: a session per client connection, an exchange per request, connections to backends that outlive both."""
