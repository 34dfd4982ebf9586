"""SIGUSR2: a new program takes the listening sockets over while this one finishes what runs, and nobody is refused.

The two have a pair of connected sockets between them, and say, as JSON:

    successor                                        predecessor
    {"kind": "serving", "pid": …}          →         drains: it accepts no more, and finishes what runs
                                           ←         {"kind": "main"}  the service manager listens to you from now on
                                           ←         {"kind": "drained"}  my sessions are over
    {"kind": "release", "backend": […]}    →         ends the processes of a managed backend
                                           ←         {"kind": "released", "backend": […]}
    {"kind": "ending"}, or the end         →         ends its sessions within `[shutdown] drain`, as the successor does
    {"kind": "done"}                       →         ends, once its sessions have

A successor that is told to end waits for its predecessor, which a service manager would kill otherwise. The backends of
a predecessor that died are dead too, and the successor starts its own.
"""
