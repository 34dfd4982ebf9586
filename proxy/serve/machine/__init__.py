"""What the kernel tells of this machine, and what it is asked for."""
