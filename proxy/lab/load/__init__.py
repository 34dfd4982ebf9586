"""The load generator, a process of its own: `python -m proxy.lab.load`, a LoadSpec as JSON in, a LoadResult out."""
