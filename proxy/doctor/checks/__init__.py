"""One check per file: `check(config, machine)` yields what it finds, and nothing where all is well.

Machine is plain data, read once (`doctor.machine`), so that every check can be tried on machines that nobody has.
"""
