"""`tfx-vae serve`: a small local server over the pushed versions of a model. For development and small loads."""
