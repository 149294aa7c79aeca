"""What is left on disk and in storage of things that were removed for good."""
