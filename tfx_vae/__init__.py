"""What people run: the `tfx-vae` command and its tools."""
