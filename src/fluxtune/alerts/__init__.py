"""Tells people, by webhook or e-mail, when something needs them."""
