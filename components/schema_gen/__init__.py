"""InferredSchemaGen: the schema of a dataset that has none of its own, inferred once and then curated by hand."""
