"""What a queue and a tuple space have in common: requests become jobs, workers pull them, results become responses."""
