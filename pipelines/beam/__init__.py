"""Engines that do the work of Beam outside the pipeline's process: their workers, and what is checked before they are used."""
