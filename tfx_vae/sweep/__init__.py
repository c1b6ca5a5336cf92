"""Trains variants of a pipeline that differ in latent size and beta, and draws the trade-off between rate and distortion."""
