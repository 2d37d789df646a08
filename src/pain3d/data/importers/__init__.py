"""Datasets of others into ours: one file for each form of a source."""
