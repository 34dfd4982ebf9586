"""Jobs that are sent over connections and not answered: what a sender knows of their fate, and what it does not."""
