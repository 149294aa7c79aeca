"""Near-duplicates among very many images, kept up to date as images come and go. Pure Python.

Two fingerprints of one picture differ in at most 8 of 256 edge bits (`likeness.py`). Cut into nine strands, at least
one strand is the same in both (pigeonhole; multi-index hashing, Norouzi, Punjani and Fleet, "Fast search in Hamming
space with multi-index hashing", 2012), so whoever shares no strand need not be compared: 100,000 images take 9
dictionary look-ups each instead of five billion comparisons. The strands take every ninth digit, so that a large sky,
whose digits are all alike, does not fill one of them. What comes at once is looked up at once, a strand at a time, by
`map` over whole lists: a loop in Python is left for the few who share one.
"""

import gc
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import compress
from operator import is_, is_not, itemgetter
from threading import Lock
from typing import Any

from fluxtune.imaging.likeness import MAX_COLOUR, MAX_EDGE_BITS

_STRANDS = MAX_EDGE_BITS + 1
_EDGE_DIGITS = 64
_CROWD = 40
"""From so many pictures with a strand in common on (drawings on white, plain colours) colour is looked at first."""
_CELL = MAX_COLOUR + 1
_KEPT = 16
_EDGES = itemgetter(slice(_EDGE_DIGITS))
_CUTS = [itemgetter(slice(strand, _EDGE_DIGITS, _STRANDS)) for strand in range(_STRANDS)]


class AlikeIndex:
    """Which of a set of images look almost the same."""

    def __init__(self, edge_bits: int = MAX_EDGE_BITS) -> None:
        """`edge_bits`: how many of 256 may differ, at most 8."""
        self._edge_bits = min(max(edge_bits, 0), MAX_EDGE_BITS)
        self._prints: dict[str, str] = {}
        # Nearly every fingerprint, edge pattern and strand has one owner: a list for each would be a million lists.
        self._ids: dict[str, str | list[str]] = {}
        self._shapes: dict[str, str | _Shape] = {}
        self._strands: list[dict[str, str | list[str]]] = [{} for _ in range(_STRANDS)]
        self._near: dict[str, set[str]] = defaultdict(set)
        """Edges that differ in a few bits from these."""
        self._neighbours: dict[str, set[str]] = defaultdict(set)

    def update(self, prints: Mapping[str, str]) -> None:
        """Let the set be exactly these images (id: fingerprint); only what changed costs anything."""
        for key in [key for key, value in self._prints.items() if prints.get(key) != value]:
            self._remove(key)
        with _without_collections():
            self._add({key: value for key, value in prints.items() if key not in self._prints})

    def groups(self) -> list[list[str]]:
        """Return groups of two and more images that look almost the same."""
        groups: list[list[str]] = []
        seen: set[str] = set()
        doubled = (each for each, ids in self._ids.items() if not isinstance(ids, str))
        for start in (*doubled, *self._neighbours):
            if start in seen:
                continue
            ids = [key for each in self._component(start, seen) for key in _several(self._ids[each])]
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

    def _add(self, prints: Mapping[str, str]) -> None:
        self._prints.update(prints)
        keys, values = list(prints), list(prints.values())
        first, later = _claim(self._ids, values, keys)
        for at in later:
            _join(self._ids, values[at], keys[at])
        # Stored without a fingerprint: only the very same is its like.
        values = [value for value in compress(values, first) if len(value) > _EDGE_DIGITS]
        edges = list(map(_EDGES, values))
        first, later = _claim(self._shapes, edges, values)
        for at in later:
            self._add_to_shape(edges[at], values[at])
        self._find_near(list(compress(edges, first)))
        if self._near:
            for at in compress(range(len(edges)), map(self._near.__contains__, edges)):
                for near in self._near[edges[at]]:
                    self._compare(values[at], self._shapes[near])

    def _add_to_shape(self, edges: str, value: str) -> None:
        shape = self._shapes[edges]
        if isinstance(shape, str):
            shape = self._shapes[edges] = _Shape(shape)
        self._compare(value, shape)
        shape.add(value)

    def _compare(self, value: str, shape: "str | _Shape") -> None:
        """Note which pictures of a shape look like this one, whose edges are like theirs."""
        colours = bytes.fromhex(value[_EDGE_DIGITS:])
        for other in (shape,) if isinstance(shape, str) else shape.candidates(colours):
            if _has_colours(colours, other):
                self._neighbours[value].add(other)
                self._neighbours[other].add(value)

    def _find_near(self, edges: Sequence[str]) -> None:
        """Note which edges differ in a few bits from new ones, and the other way round."""
        numbers: dict[str, int] = {}

        def number(digits: str) -> int:
            found = numbers.get(digits)
            if found is None:
                found = numbers[digits] = int(digits, 16)
            return found

        for cut, owners in zip(_CUTS, self._strands, strict=True):
            strands = list(map(cut, edges))
            _, later = _claim(owners, strands, edges)
            for at in later:
                new = edges[at]
                own = number(new)
                for other in _several(owners[strands[at]]):
                    if (own ^ number(other)).bit_count() <= self._edge_bits:
                        self._near[new].add(other)
                        self._near[other].add(new)
                _join(owners, strands[at], new)

    def _remove(self, key: str) -> None:
        value = self._prints.pop(key)
        if _leave(self._ids, value, key):
            return
        for other in self._neighbours.pop(value, ()):
            _part(self._neighbours, other, value)
        edges = _EDGES(value)
        shape = self._shapes.get(edges)
        if len(value) <= _EDGE_DIGITS or (isinstance(shape, _Shape) and shape.remove(value)):
            return
        del self._shapes[edges]
        for near in self._near.pop(edges, ()):
            _part(self._near, near, edges)
        for cut, owners in zip(_CUTS, self._strands, strict=True):
            _leave(owners, cut(edges), edges)


def _claim(owners: dict[str, Any], names: Sequence[str], claimants: Sequence[str]) -> tuple[list[bool], list[int]]:
    """Give names to who asks first. Returns who got theirs, and the places of those whose name was taken."""
    held = list(map(owners.setdefault, names, claimants))
    return list(map(is_, held, claimants)), list(compress(range(len(held)), map(is_not, held, claimants)))


def _several(owner: str | list[str]) -> Sequence[str]:
    return (owner,) if isinstance(owner, str) else owner


def _join(owners: dict[str, str | list[str]], name: str, claimant: str) -> None:
    owner = owners[name]
    if isinstance(owner, str):
        owners[name] = [owner, claimant]
    else:
        owner.append(claimant)


def _leave(owners: dict[str, str | list[str]], name: str, leaving: str) -> bool:
    """Take an owner from a name; return whether any are left."""
    owner = owners[name]
    if isinstance(owner, str):
        del owners[name]
        return False
    owner.remove(leaving)
    if len(owner) == 1:
        owners[name] = owner[0]
    return True


def _part(links: dict[str, set[str]], one: str, other: str) -> None:
    links[one].discard(other)
    if not links[one]:
        del links[one]


class _Shape:
    """Several pictures with the very same edges, which colour tells apart."""

    __slots__ = ("_cells", "_members")

    def __init__(self, member: str) -> None:
        self._members = [member]
        self._cells: dict[tuple[int, int, int], list[str]] | None = None

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

    def candidates(self, colours: bytes) -> Iterator[str]:
        """Return those that may have these colours."""
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
