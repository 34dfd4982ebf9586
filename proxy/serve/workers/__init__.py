"""Several processes that serve clients, and the one that starts them and looks after them."""
