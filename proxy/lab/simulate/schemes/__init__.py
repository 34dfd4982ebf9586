"""Ways in which work comes to workers: one small file each, all behind the same two calls."""
