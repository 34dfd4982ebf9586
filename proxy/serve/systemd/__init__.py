"""What systemd and rproxy tell each other: readiness, a watchdog, and listening sockets in both directions."""
