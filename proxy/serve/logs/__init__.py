"""Access logs: from records to lines, from lines to their destinations."""
