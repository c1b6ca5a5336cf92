"""What Beam's --setup_file takes; the metadata stands in pyproject.toml."""

from setuptools import setup

setup()
