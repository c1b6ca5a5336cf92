"""What runs inside a pipeline: one folder a component, named as TFX names it."""
