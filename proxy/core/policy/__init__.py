"""What a route changes on what passes: fields, targets, and answers of its own."""
