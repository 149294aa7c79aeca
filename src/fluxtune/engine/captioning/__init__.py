"""Captioners that run on this computer. Outside the engine only `messages` is imported; it needs no numpy."""
