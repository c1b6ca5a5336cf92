"""The database itself: read by a few queries of our own, written through ML Metadata's client."""
