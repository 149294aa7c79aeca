"""When to ask how far a task is: not before it can be done, then often enough, then less and less often."""

import threading
from dataclasses import dataclass

_SURE_AFTER = 5
_MOST_SURE = 30


@dataclass
class _Known:
    """What an endpoint has taken, in seconds, how much that varies, and by how many tasks it is borne out."""

    seconds: float
    spread: float = 0.0
    count: int = 0

    @property
    def is_sure(self) -> bool:
        return self.count >= _SURE_AFTER


class Pace:
    """Learns how long an endpoint takes from the tasks that end; one for all threads of a process."""

    LEAST_S = 0.03
    MOST_S = 5.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def first_wait(self, endpoint: str, typical_s: float) -> float:
        """Return how long to wait before asking for the first time."""
        with self._lock:
            known = self._known.get(endpoint)
            if known is None:
                expected = typical_s * 0.7
            elif known.is_sure:
                # What takes as long each time need not be asked for much earlier.
                expected = known.seconds - min(0.15 * known.seconds, max(3 * known.spread, 0.02 * known.seconds))
            else:
                expected = known.seconds * 0.85
        # What is known to be done at once is asked for at once.
        return min(expected, 30.0) if expected > self.LEAST_S else 0.0

    def next_wait(self, elapsed_s: float, endpoint: str = "") -> float:
        """Return how long to wait now, so long after the request: a fortieth of it, within limits.

        So an image is seen a hundredth of its time late on the average, for a handful of questions. Where all take as
        long, as many questions are asked closer together.
        """
        wait = elapsed_s / 40
        with self._lock:
            known = self._known.get(endpoint)
            if known is not None and known.is_sure and elapsed_s < known.seconds + 3 * known.spread:
                wait = min(wait, max(known.spread / 2, elapsed_s / 120))
        return min(max(wait, self.LEAST_S), self.MOST_S)

    def took(self, endpoint: str, seconds: float, *, at_first_look: bool) -> None:
        """Remember how long a task took. One that was done at the first look may have been done long before."""
        with self._lock:
            known = self._known.setdefault(endpoint, _Known(seconds))
            if not at_first_look:
                known.spread = 0.7 * known.spread + 0.3 * abs(seconds - known.seconds)
                known.seconds = 0.7 * known.seconds + 0.3 * seconds
                known.count = min(known.count + 1, _MOST_SURE)
                return
            # Most likely it was done a moment ago, unless that happens again and again.
            known.seconds = min(known.seconds, seconds * (0.97 if known.is_sure else 0.5))
            known.count = max(known.count - 1, 0)
