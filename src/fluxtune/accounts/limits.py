"""How often one may try to sign in: per account and address, per account, and per address."""

import time
from typing import TYPE_CHECKING, ClassVar

from fluxtune.core.errors import FluxtuneError

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

CROWD = 5
"""An account from everywhere, and an address for all accounts, may try so many times as often as one for one."""


class TooManyTries(FluxtuneError):
    """Somebody guesses, or forgot their password."""

    status: ClassVar[int] = 429
    title = "Too many tries"
    action = "Wait, then try again. An administrator can make you a link that sets a new password."


class SignInLimits:
    """Counts failed sign-ins of this process within a moving window; a success forgets those of its account there."""

    def __init__(self, tries: int, minutes: int) -> None:
        self._tries = tries
        self._minutes = minutes
        self._limiter: MovingWindowRateLimiter | None = None
        self._one: RateLimitItem
        self._crowd: RateLimitItem

    def begin(self, email: str, address: str) -> None:
        """Count a try before it is known how it ends, so that a hundred at once are not looked at; may refuse it."""
        limiter = self._ready()
        for item, key in self._crowds(email, address):
            if not limiter.test(item, *key):
                raise self._refusal(limiter, item, key)
        if not limiter.hit(self._one, "pair", email, address):
            raise self._refusal(limiter, self._one, ("pair", email, address))

    def fail(self, email: str, address: str) -> None:
        """Note that the try failed."""
        for item, key in self._crowds(email, address):
            self._ready().hit(item, *key)

    def succeed(self, email: str, address: str) -> None:
        """Forget the failures of an account at an address."""
        self._ready().clear(self._one, "pair", email, address)

    def _crowds(self, email: str, address: str) -> list[tuple["RateLimitItem", tuple[str, ...]]]:
        return [(self._crowd, ("account", email)), (self._crowd, ("address", address))]

    def _ready(self) -> "MovingWindowRateLimiter":
        if self._limiter is None:
            from limits import RateLimitItemPerMinute
            from limits.storage import MemoryStorage
            from limits.strategies import MovingWindowRateLimiter

            self._one = RateLimitItemPerMinute(self._tries, self._minutes)
            self._crowd = RateLimitItemPerMinute(self._tries * CROWD, self._minutes)
            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        return self._limiter

    def _refusal(self, limiter: "MovingWindowRateLimiter", item: "RateLimitItem", key: tuple[str, ...]) -> TooManyTries:
        seconds = max(1.0, limiter.get_window_stats(item, *key).reset_time - time.time())
        return TooManyTries(f"The next one counts in {-(-seconds // 60):.0f} min.")
