"""`rproxy doctor`: looks at the machine and the configuration, and explains what it finds with its fix."""
