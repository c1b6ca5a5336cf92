"""The page at `/` of `tfx-vae serve`, as static files, and what it needs to know of the model."""
