"""Features an administrator can switch off, or leave to some."""
