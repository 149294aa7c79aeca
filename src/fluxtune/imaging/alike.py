"""Near-duplicates among very many images, kept up to date as images come and go. Pure Python.

Two fingerprints of one picture differ in at most 8 of 256 edge bits (`likeness.py`). Cut into nine strands, at least
one strand is the same in both (pigeonhole), so whoever shares no strand need not be compared: 100,000 images take 9
dictionary look-ups each instead of five billion comparisons. The strands take every ninth digit, so that a large sky,
whose digits are all alike, does not fill one of them.
"""

import gc
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from fluxtune.imaging.likeness import MAX_COLOUR, MAX_EDGE_BITS

_STRANDS = MAX_EDGE_BITS + 1
_EDGE_DIGITS = 64
_CROWD = 40
"""From so many pictures with a strand in common on (drawings on white, plain colours) colour is looked at first."""
_CELL = MAX_COLOUR + 1
_KEPT = 16
_NONE: frozenset[str] = frozenset()


class AlikeIndex:
    """Which of a set of images look almost the same."""

    def __init__(self, edge_bits: int = MAX_EDGE_BITS) -> None:
        """`edge_bits`: how many of 256 may differ, at most 8."""
        self._edge_bits = min(max(edge_bits, 0), MAX_EDGE_BITS)
        self._prints: dict[str, str] = {}
        self._ids: dict[str, list[str]] = {}
        self._shapes: dict[str, _Shape] = {}
        # Nearly every strand has one owner: a list for each would be a million lists.
        self._strands: list[dict[str, str | list[str]]] = [{} for _ in range(_STRANDS)]
        self._neighbours: dict[str, set[str]] = defaultdict(set)

    def update(self, prints: Mapping[str, str]) -> None:
        """Let the set be exactly these images (id: fingerprint); only what changed costs anything."""
        for key in [key for key, value in self._prints.items() if prints.get(key) != value]:
            self._remove(key)
        with _without_collections():
            for key, value in prints.items():
                if key not in self._prints:
                    self._add(key, value)

    def groups(self) -> list[list[str]]:
        """Return groups of two and more images that look almost the same."""
        groups: list[list[str]] = []
        seen: set[str] = set()
        doubled = (each for each, ids in self._ids.items() if len(ids) > 1)
        for start in (*doubled, *self._neighbours):
            if start in seen:
                continue
            ids = [key for each in self._component(start, seen) for key in self._ids[each]]
            if len(ids) > 1:
                groups.append(ids)
        return groups

    def _component(self, start: str, seen: set[str]) -> list[str]:
        found, open_ends = [start], [start]
        seen.add(start)
        while open_ends:
            for other in self._neighbours.get(open_ends.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    found.append(other)
                    open_ends.append(other)
        return found

    def _add(self, key: str, value: str) -> None:
        self._prints[key] = value
        ids = self._ids.get(value)
        if ids is not None:
            ids.append(key)
            return
        self._ids[value] = [key]
        if len(value) <= _EDGE_DIGITS:
            return  # stored without a fingerprint: only the very same is its like
        edges = value[:_EDGE_DIGITS]
        shape = self._shapes.get(edges)
        if shape is None:
            shape = self._shapes[edges] = _Shape()
            self._find_shapes(edges, shape)
        if shape.near or shape.has_members:
            for near in (edges, *shape.near):
                for other in self._shapes[near].like(value):
                    self._neighbours[value].add(other)
                    self._neighbours[other].add(value)
        shape.add(value)

    def _find_shapes(self, edges: str, shape: "_Shape") -> None:
        """Note which shapes lie near a new one, and let those know."""
        candidates: list[str] = []
        for strand, owners in enumerate(self._strands):
            digits = edges[strand::_STRANDS]
            owner = owners.setdefault(digits, edges)
            if owner is edges:
                continue
            if isinstance(owner, str):
                candidates.append(owner)
                owners[digits] = [owner, edges]
            else:
                candidates.extend(owner)
                owner.append(edges)
        if not candidates:
            return
        number = int(edges, 16)
        for other in set(candidates):
            if (number ^ int(other, 16)).bit_count() <= self._edge_bits:
                shape.near = shape.near | {other}
                self._shapes[other].near = self._shapes[other].near | {edges}

    def _remove(self, key: str) -> None:
        value = self._prints.pop(key)
        ids = self._ids[value]
        ids.remove(key)
        if ids:
            return
        del self._ids[value]
        for other in self._neighbours.pop(value, ()):
            self._neighbours[other].discard(value)
            if not self._neighbours[other]:
                del self._neighbours[other]
        edges = value[:_EDGE_DIGITS]
        shape = self._shapes.get(edges)
        if len(value) <= _EDGE_DIGITS or shape is None or shape.remove(value):
            return
        del self._shapes[edges]
        for near in shape.near:
            self._shapes[near].near = self._shapes[near].near - {edges}
        for strand, owners in enumerate(self._strands):
            digits = edges[strand::_STRANDS]
            owner = owners[digits]
            if isinstance(owner, str) or len(owner) == 1:
                del owners[digits]
            else:
                owner.remove(edges)


class _Shape:
    """Pictures with the very same edges, which colour tells apart; `near` are the shapes that differ in a few bits."""

    __slots__ = ("_cells", "_members", "near")

    def __init__(self) -> None:
        # Nearly every shape is alone: a set for each would be a hundred thousand sets.
        self.near: frozenset[str] = _NONE
        self._members: list[str] = []
        self._cells: dict[tuple[int, int, int], list[str]] | None = None

    @property
    def has_members(self) -> bool:
        """Return whether any picture has this shape."""
        return bool(self._members)

    def like(self, value: str) -> list[str]:
        """Return the pictures of this shape in the colours of that one."""
        colours = bytes.fromhex(value[_EDGE_DIGITS:])
        return [other for other in self._candidates(colours) if _has_colours(colours, other)]

    def add(self, value: str) -> None:
        """Remember one more; a crowd is sorted by the colour of its first cell."""
        self._members.append(value)
        if self._cells is not None:
            self._cells.setdefault(_cell(value), []).append(value)
        elif len(self._members) > _CROWD:
            self._cells = {}
            for member in self._members:
                self._cells.setdefault(_cell(member), []).append(member)

    def remove(self, value: str) -> bool:
        """Forget one; return whether any are left."""
        self._members.remove(value)
        if self._cells is not None:
            self._cells[_cell(value)].remove(value)
        return bool(self._members)

    def _candidates(self, colours: bytes) -> Iterator[str]:
        if self._cells is None:
            yield from self._members
            return
        red, green, blue = (each // _CELL for each in colours[:3])
        steps = (-1, 0, 1)
        for cell in ((red + r, green + g, blue + b) for r in steps for g in steps for b in steps):
            yield from self._cells.get(cell, ())


def _has_colours(colours: bytes, other: str) -> bool:
    others = bytes.fromhex(other[_EDGE_DIGITS:])
    if len(colours) != len(others):
        return False
    return all(abs(one - two) <= MAX_COLOUR for one, two in zip(colours, others, strict=True))


def _cell(value: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(value[_EDGE_DIGITS : _EDGE_DIGITS + 6])
    return red // _CELL, green // _CELL, blue // _CELL


@contextmanager
def _without_collections() -> Iterator[None]:
    """Let the collector of cycles rest: it would look through a hundred thousand new objects, none garbage, each time
    some thousands more are there, which is a third of the work."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_indices: OrderedDict[tuple[str, int], AlikeIndex] = OrderedDict()
_lock = Lock()


def alike_groups(name: str, prints: Mapping[str, str], edge_bits: int = MAX_EDGE_BITS) -> list[list[str]]:
    """Return the groups of look-alikes among images. What was found under this name before is built upon."""
    with _lock:
        index = _indices.pop((name, edge_bits), None) or AlikeIndex(edge_bits)
        index.update(prints)
        _indices[name, edge_bits] = index
        while len(_indices) > _KEPT:
            _indices.popitem(last=False)
        return index.groups()
