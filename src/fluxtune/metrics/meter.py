"""Counts and times things in this process, for next to nothing: a dictionary and a lock."""

import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxtune.metrics.catalogue import BOUNDS, MEASURES

Key = tuple[str, str]
"""Name of a measure and label."""


@dataclass(slots=True)
class Cell:
    """What was seen under one label: how often, the sum, the largest, the newest; of times, how many in each bucket.

    The empty list of buckets means that there are none, because it is no histogram.
    """

    count: int = 0
    total: float = 0.0
    most: float = 0.0
    last: float = 0.0
    buckets: list[int] = field(default_factory=list)

    def add(self, value: float, *, is_timed: bool = False) -> None:
        """Take one more value in."""
        self.most = max(self.most, value) if self.count else value
        self.count += 1
        self.total += value
        self.last = value
        if is_timed:
            if not self.buckets:
                self.buckets = [0] * (len(BOUNDS) + 1)
            self.buckets[bisect_left(BOUNDS, value)] += 1

    def merge(self, other: "Cell") -> None:
        """Take in what another cell has seen; it counts as the newer one."""
        if not other.count:
            return
        self.most = max(self.most, other.most) if self.count else other.most
        self.count += other.count
        self.total += other.total
        self.last = other.last
        if other.buckets:
            mine = self.buckets or [0] * len(other.buckets)
            self.buckets = [a + b for a, b in zip(mine, other.buckets, strict=True)]


class Meter:
    """The cells of one process: all of its life, and what was not stored yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ever: dict[Key, Cell] = {}
        self._new: dict[Key, Cell] = {}

    def add(self, name: str, value: float, label: str) -> None:
        """Take in a value of a measure. Raises `KeyError` for a measure that is not in the catalogue."""
        is_timed = MEASURES[name].kind == "histogram"
        with self._lock:
            for cells in (self._ever, self._new):
                cell = cells.get((name, label))
                if cell is None:
                    cell = cells[name, label] = Cell()
                cell.add(value, is_timed=is_timed)

    def take(self) -> dict[Key, Cell]:
        """Return what came since the last call."""
        with self._lock:
            new, self._new = self._new, {}
        return new

    def give_back(self, cells: Mapping[Key, Cell]) -> None:
        """Return what was taken and could not be stored."""
        with self._lock:
            for key, cell in cells.items():
                older = Cell()
                older.merge(cell)
                older.merge(self._new.get(key, Cell()))
                self._new[key] = older

    def totals(self) -> dict[Key, Cell]:
        """Return everything since this process began."""
        with self._lock:
            copies = {key: Cell() for key in self._ever}
            for key, cell in self._ever.items():
                copies[key].merge(cell)
        return copies


METER = Meter()
"""This process's."""
