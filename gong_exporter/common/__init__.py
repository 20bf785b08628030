"""Helpers below all other packages."""
