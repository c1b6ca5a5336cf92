"""What artifacts look like on disk. Component folders know each other through this package only."""
