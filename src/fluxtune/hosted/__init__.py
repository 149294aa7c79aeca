"""Paid images: keys, budgets, and the ledger that keeps money and images from getting lost."""
