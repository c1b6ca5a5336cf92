"""Compares two runs: writes a page with both side by side. Reads their artifacts and trains nothing."""
