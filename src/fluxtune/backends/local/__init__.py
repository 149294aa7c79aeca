"""Trains and generates on this computer, in child processes."""
