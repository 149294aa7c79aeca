"""Look-alikes among many."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxtune.imaging import AlikeIndex, alike_groups, is_alike


def fingerprint(random, edges=None, colours=None):
    edges = random.getrandbits(256) if edges is None else edges
    return f"{edges:064x}{(colours or random.randbytes(48)).hex()}"


def near(print_, random, bits):
    edges = int(print_[:64], 16)
    for bit in random.sample(range(256), bits):
        edges ^= 1 << bit
    return f"{edges:064x}{print_[64:]}"


def groups(prints, bits=8):
    index = AlikeIndex(bits)
    index.update(prints)
    return sorted(sorted(group) for group in index.groups())


@pytest.mark.parametrize(("bits", "found"), [(0, True), (8, True), (9, False), (40, False)])
def test_up_to_eight_of_256_bits_may_differ(bits, found):
    random = Random(bits)
    one = fingerprint(random)
    assert bool(groups({"a": one, "b": near(one, random, bits), "c": fingerprint(random)})) is found


@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(0, 8))
@settings(max_examples=25, deadline=None)
def test_it_finds_what_comparing_all_with_all_finds(seed, count, bits):
    random = Random(seed)
    shapes = [random.getrandbits(256) for _ in range(3)]
    colours = [bytes([random.randrange(0, 255, 5)] * 48) for _ in range(3)]
    prints = {}
    for number in range(count):
        value = fingerprint(random, random.choice(shapes), random.choice(colours))
        prints[str(number)] = near(value, random, random.choice([0, 0, 1, 5, 9]))
    joined = {key: {key} for key in prints}
    for one in prints:
        for other in prints:
            distance = (int(prints[one][:64], 16) ^ int(prints[other][:64], 16)).bit_count()
            if is_alike(prints[one], prints[other]) and distance <= bits and joined[one] is not joined[other]:
                joined[one] |= joined[other]
                for key in joined[other]:
                    joined[key] = joined[one]
    expected = sorted(
        sorted(group) for group in {id(each): each for each in joined.values()}.values() if len(group) > 1
    )
    assert groups(prints, bits) == expected
    one_after_another = AlikeIndex(bits)
    for part in range(1, count, 7):
        one_after_another.update(dict(list(prints.items())[:part]))
    one_after_another.update({key: value for key, value in prints.items() if int(key) % 3})
    one_after_another.update(prints)
    assert sorted(sorted(group) for group in one_after_another.groups()) == expected


def test_what_comes_and_goes_is_followed():
    random = Random(1)
    one, two = fingerprint(random), fingerprint(random)
    index = AlikeIndex()
    index.update({"a": one, "b": near(one, random, 3), "c": two})
    assert len(index.groups()) == 1
    index.update({"a": one, "c": two})
    assert index.groups() == []
    index.update({"a": one, "c": two, "d": two, "e": near(one, random, 1)})
    assert sorted(map(sorted, index.groups())) == [["a", "e"], ["c", "d"]]
    index.update({})
    assert index.groups() == []


def test_a_crowd_of_one_shape_is_told_apart_by_colour():
    colours = [bytes([red, green, 0] * 16) for red in range(0, 250, 10) for green in range(0, 250, 10)]
    prints = {str(number): fingerprint(Random(0), 0, each) for number, each in enumerate(colours)}
    assert groups(prints) == []
    prints["again"] = fingerprint(Random(0), 0, bytes([13, 12, 0] * 16))
    assert groups(prints) == [["26", "again"]]
    prints.pop("26")
    assert groups(prints) == []


def test_images_without_a_fingerprint_are_alike_when_they_are_the_same():
    assert groups({"a": "x", "b": "x", "c": "y"}) == [["a", "b"]]


def test_a_name_remembers():
    random = Random(3)
    one = fingerprint(random)
    assert alike_groups("set", {"a": one}) == []
    assert alike_groups("set", {"a": one, "b": one}) == [["a", "b"]]


def test_twenty_thousand_are_searched_in_a_moment():
    import time

    random = Random(5)
    prints = {str(number): fingerprint(random) for number in range(20_000)}
    started = time.process_time()
    assert groups(prints) == []
    assert time.process_time() - started < 2  # a quarter of it on a quiet computer
