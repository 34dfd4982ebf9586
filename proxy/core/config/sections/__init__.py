"""The tables of a configuration file, each as a frozen dataclass."""
