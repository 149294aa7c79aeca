"""Errors say what happened, why, and what to do; ids sort by time."""

from hypothesis import given
from hypothesis import strategies as st

from fluxtune.core.errors import EngineCrashed, InvalidInput, JobFailed, NotFound, OutOfMemory
from fluxtune.core.ids import new_id


class DatasetEmpty(InvalidInput):
    title = "The dataset is empty"


def test_a_problem_has_all_parts() -> None:
    problem = DatasetEmpty("“Rex” has no images.", field="dataset_id", technical="0 rows").problem()
    assert (problem.type, problem.status, problem.title) == ("/errors/dataset-empty", 422, "The dataset is empty")
    assert problem.action == "Correct it and try again."
    assert [(error.field, error.message) for error in problem.errors] == [("dataset_id", "“Rex” has no images.")]
    assert problem.technical == "0 rows"


def test_one_instance_may_say_it_better() -> None:
    error = NotFound("Gone.", title="No such model", action="Choose another.")
    assert (error.title, error.action, str(error)) == ("No such model", "Choose another.", "No such model: Gone.")
    assert NotFound.title == "Not found"


def test_job_errors_are_told_apart() -> None:
    assert issubclass(OutOfMemory, JobFailed)
    assert EngineCrashed().as_record()["type"] == "/errors/engine-crashed"


@given(st.text())
def test_any_detail_is_kept(detail: str) -> None:
    assert DatasetEmpty(detail).problem().detail == detail


def test_ids_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert all(len(each) == 32 for each in ids)
