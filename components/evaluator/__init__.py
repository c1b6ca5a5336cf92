"""Evaluator: TFMA metrics without a label, and the thresholds for a blessing."""
