"""ValidationGate: stops a run whose data does not match the schema."""
