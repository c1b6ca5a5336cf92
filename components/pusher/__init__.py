"""Pusher: puts a blessed model into the versioned serving directory."""
