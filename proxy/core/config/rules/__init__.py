"""What the tables of a file must be together, beyond the form of each."""
