"""Whose a thing is, and who may see and change it."""
