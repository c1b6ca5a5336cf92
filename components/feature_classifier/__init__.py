"""FeatureClassifier: trains the small classifier in whose features the Evaluator compares samples with images."""
