"""DriftGate: compares new images with those that the champion was trained on."""
