"""What can be done with a model that was pushed: a local server and commands."""
