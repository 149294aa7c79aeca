"""The health check of a finished run: what its checkpoints learned, what they broke, and which to use."""
