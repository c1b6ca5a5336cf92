"""Resolver: chooses the model that a new one is compared with."""
