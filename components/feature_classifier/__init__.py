"""FeatureClassifier: trains a small classifier, in whose features the Evaluator compares samples with test images."""
