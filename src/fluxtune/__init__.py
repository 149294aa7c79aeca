"""Teach a FLUX model something new from a handful of images, and make images with it."""

__version__ = "0.1.0"
