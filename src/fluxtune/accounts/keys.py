"""Tokens nobody can guess: 256 random bits each, so a plain hash is enough to store them."""

import hashlib
import hmac
import secrets


def new_token() -> str:
    """Return an unguessable token."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same_token(given: str, token_hash: str) -> bool:
    """Compare without telling by time how much fits."""
    return hmac.compare_digest(hash_token(given), token_hash)
