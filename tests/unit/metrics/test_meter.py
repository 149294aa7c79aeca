"""What is counted in a process adds up, whoever counts at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxtune.metrics.catalogue import BOUNDS
from fluxtune.metrics.meter import Cell, Meter
from fluxtune.metrics.service import quantile

values = st.lists(st.floats(0.0001, 10_000), min_size=1, max_size=60)


def cell_of(seen: list[float]) -> Cell:
    cell = Cell()
    for value in seen:
        cell.add(value, is_timed=True)
    return cell


@given(values, values)
def test_merged_cells_are_one_of_all_values(first: list[float], second: list[float]) -> None:
    merged = cell_of(first)
    merged.merge(cell_of(second))
    whole = cell_of([*first, *second])
    assert (merged.count, merged.most, merged.last, merged.buckets) == (
        whole.count, whole.most, whole.last, whole.buckets,
    )  # fmt: skip
    assert merged.total == pytest.approx(whole.total)


@given(values, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_in_the_bucket_of_the_true_one(seen: list[float], share: float) -> None:
    found = quantile(cell_of(seen), share)
    true = sorted(seen)[max(-(-len(seen) * share // 1) - 1, 0).__int__()]
    ends = (0.0, *BOUNDS, max(seen))
    low = max(end for end in ends if end < true)
    high = min((end for end in BOUNDS if end >= true), default=max(seen))
    assert found is not None
    assert low <= found <= max(high, low)
    assert found <= max(seen)


def test_what_was_taken_is_new_no_more_and_comes_back_if_it_could_not_be_stored() -> None:
    meter = Meter()
    meter.add("request_errors", 1, "404")
    taken = meter.take()
    assert meter.take() == {}
    meter.add("request_errors", 1, "404")
    meter.give_back(taken)
    assert meter.take()["request_errors", "404"].total == 2
    assert meter.totals()["request_errors", "404"].total == 2


def test_many_threads_lose_nothing() -> None:
    meter = Meter()

    def add(_number: int) -> None:
        for _ in range(200):
            meter.add("request_seconds", 0.01, "read")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert meter.take()["request_seconds", "read"].count == 1_600


def test_what_is_not_in_the_catalogue_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Meter().add("requst_seconds", 1, "")
