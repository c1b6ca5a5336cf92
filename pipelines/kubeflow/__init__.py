"""Runs the pipeline on Kubeflow Pipelines: one step a component, on demand or on a schedule."""
