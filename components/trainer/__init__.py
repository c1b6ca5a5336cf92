"""Trainer: fits a model and exports it with its serving signatures."""
