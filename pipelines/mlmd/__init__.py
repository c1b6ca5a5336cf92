"""ML Metadata: where it is, how to connect, and what a run records in it."""
