"""Local training and generation. torch lives only here; no web, no database."""
