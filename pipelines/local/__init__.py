"""One run on this machine: checked, watched, logged and summed up."""
