"""What is done to a deployment, and what of it is measured."""
