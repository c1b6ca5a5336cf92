"""What a run writes about itself beside what TFX writes, and how two runs keep out of each other's way."""
