"""Trains variants of a pipeline that differ in one or two settings, and draws how the loss depends on them."""
