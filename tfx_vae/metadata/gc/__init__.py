"""Frees disk of what nobody needs: decides (`protection.py`, `plan.py`, `leftovers.py`), then does it (`collect.py`)."""
