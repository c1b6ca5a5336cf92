"""Transform: decodes and normalises pixels."""
