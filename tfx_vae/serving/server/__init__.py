"""`tfx-vae serve`: a small server for the pushed versions of a model, for development and small loads."""
