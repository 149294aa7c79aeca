"""When to ask how far a task is: not before it can be done, then often enough, then less and less often."""

import threading


class Pace:
    """Learns how long an endpoint takes from the tasks that end; one for all threads of a process."""

    LEAST_S = 0.03
    MOST_S = 5.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._learned: dict[str, float] = {}

    def first_wait(self, endpoint: str, typical_s: float) -> float:
        """Return how long to wait before asking for the first time."""
        with self._lock:
            learned = self._learned.get(endpoint)
        expected = learned * 0.85 if learned is not None else typical_s * 0.7
        # What is known to be done at once is asked for at once.
        return min(expected, 30.0) if expected > self.LEAST_S else 0.0

    def next_wait(self, elapsed_s: float) -> float:
        """Return how long to wait now, so long after the request: a fortieth of it, within limits.

        So an image is seen a hundredth of its time late on the average, for a handful of questions.
        """
        return min(max(elapsed_s / 40, self.LEAST_S), self.MOST_S)

    def took(self, endpoint: str, seconds: float, *, at_first_look: bool) -> None:
        """Remember how long a task took. One that was done at the first look may have been done long before."""
        with self._lock:
            before = self._learned.get(endpoint, seconds)
            self._learned[endpoint] = min(before, seconds / 2) if at_first_look else 0.7 * before + 0.3 * seconds
