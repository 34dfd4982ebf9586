"""The access log without its files and sockets: what a record holds, and the lines that are made of it."""
