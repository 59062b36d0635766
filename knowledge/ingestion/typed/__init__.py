"""Readers of the files that a middle office writes to a template."""
