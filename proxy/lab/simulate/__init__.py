"""`rproxy simulate`: the balancing policies and the kernel's ways in a discrete-event simulation, without a process."""
