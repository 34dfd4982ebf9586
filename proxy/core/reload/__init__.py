"""What changes between two configurations, and which listening sockets stay."""
