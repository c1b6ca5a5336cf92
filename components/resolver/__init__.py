"""Which model a new one has to measure itself against."""
