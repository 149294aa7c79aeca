"""Whose a thing is, and who may see it: private, shared with people, or with all."""
