"""The data plane: one Trio task drives an epoll object, sessions are plain objects that it calls."""
