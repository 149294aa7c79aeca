"""Copies of the whole studio: made while it runs, verified, restored."""
