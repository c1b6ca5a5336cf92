"""`tfx-vae data`: looks at a folder of images before a run, and makes one to try."""
