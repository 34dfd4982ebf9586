"""The ways of spreading work over processes, each with its real mechanism."""
