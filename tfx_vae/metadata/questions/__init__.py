"""One module for each question that a command answers."""
