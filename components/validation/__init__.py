"""ValidationGate: stops a run whose data does not obey the schema."""
