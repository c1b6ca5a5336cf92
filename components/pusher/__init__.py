"""Pusher: adds a blessed model to the versioned serving directory."""
