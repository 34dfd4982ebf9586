"""What is to be deployed, as files."""
