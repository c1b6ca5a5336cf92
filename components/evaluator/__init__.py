"""Evaluator: the losses as TFMA metrics, and the thresholds a model must pass."""
