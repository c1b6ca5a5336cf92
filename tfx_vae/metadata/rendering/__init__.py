"""Answers for a person: as wide as the terminal, whole lines without colours where it is not one."""
