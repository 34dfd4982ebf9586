"""Pure decisions: no trio, socket, clock, logging or global random; `now` and `rng` are arguments."""
