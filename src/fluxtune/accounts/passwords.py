"""Passwords: what is acceptable, and argon2id hashes of them (RFC 9106, the parameters pwdlib recommends)."""

import threading
from functools import cache
from typing import TYPE_CHECKING

from fluxtune.core.errors import InvalidInput

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST = 10
LONGEST = 256
"""Longer ones would only cost time to hash."""
_AT_ONCE = threading.BoundedSemaphore(4)
"""Each hash takes 64 MiB for a tenth of a second: a crowd that signs in waits instead of filling the memory."""
_FEWEST_DIFFERENT = 5


class PasswordWeak(InvalidInput):
    """A password others would guess."""

    title = "This password is too easy to guess"
    action = "Take a few words that have nothing to do with each other."


def check_password(password: str, *personal: str) -> None:
    """Raise `PasswordWeak` for what is short, monotonous, or little more than the person's own name or address."""
    if len(password) < SHORTEST:
        raise PasswordWeak(f"It needs at least {SHORTEST} characters.", field="password")
    if len(password) > LONGEST:
        raise PasswordWeak(f"It may have at most {LONGEST} characters.", field="password")
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise PasswordWeak("It repeats the same few characters.", field="password")
    rest = password.casefold()
    for word in sorted(_words(personal), key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(rest) < SHORTEST // 2:
        raise PasswordWeak("It is little more than your name or e-mail address.", field="password")


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    with _AT_ONCE:
        return _hasher().hash(password)


def verify_password(password: str, stored: str | None) -> bool:
    """Return whether a password is the stored one; without a stored one it takes as long to say no."""
    given = password[: LONGEST + 1]
    with _AT_ONCE:
        return _hasher().verify(given, stored or _nobodys()) and stored is not None


@cache
def _hasher() -> "PasswordHash":
    from pwdlib import PasswordHash  # only who signs in with a password needs it

    return PasswordHash.recommended()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")


def _words(personal: tuple[str, ...]) -> set[str]:
    parts = {part for text in personal for part in text.casefold().replace("@", " ").replace(".", " ").split()}
    return {part for part in parts | {"fluxtune", "password"} if len(part) > 2}
