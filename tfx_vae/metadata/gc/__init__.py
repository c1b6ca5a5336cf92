"""Deletes artifacts that no kept model depends on: `protection.py`, `plan.py` and `leftovers.py` decide, `collect.py` acts."""
