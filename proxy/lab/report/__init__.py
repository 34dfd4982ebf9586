"""A comparison as people and programs read it: while it runs, as a table, as a page, as JSON."""
