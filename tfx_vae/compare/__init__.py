"""Compares two runs: one page with both side by side, made from their artifacts, without training anything."""
