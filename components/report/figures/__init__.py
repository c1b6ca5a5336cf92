"""Drawing, and nothing else: arrays in, PNG files out."""
