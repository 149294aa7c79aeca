"""The log, read back."""
