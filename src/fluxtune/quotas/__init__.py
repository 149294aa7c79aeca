"""How much one person may use."""
