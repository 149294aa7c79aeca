"""From numbers to words, in cases where the answer is known."""

import pytest

from fluxtune.engine.config import Recipe
from fluxtune.engine.health import verdicts
from fluxtune.engine.reports import CheckpointHealth, Features, HealthReport, Measure, MeasureName, Reading

GOOD: dict[MeasureName, float] = {"gain": 1.0, "adherence": 1.0, "bleed": 0.1, "copying": 0.0}


def reading(step: int, strength: float = 1.0, **changes: float) -> Reading:
    values = GOOD | changes
    measures: dict[MeasureName, Measure] = {
        name: Measure(value=value, low=value - 0.1, high=value + 0.1, image_count=8)  # type: ignore[misc]
        for name, value in values.items()
    }
    return Reading(step=step, strength=strength, measures=measures, score=verdicts.score_of(measures))


def conclude(checkpoints: list[Reading], others: list[Reading] | None = None, **recipe: float) -> HealthReport:
    judged = []
    for each in checkpoints:
        verdict, reasons = verdicts.judge(each)
        judged.append(
            CheckpointHealth(step=each.step, adapter_sha256="", reading=each, nearest=[], validation=None,
                             verdict=verdict, reasons=reasons)
        )  # fmt: skip
    report = HealthReport(
        base="b", trigger_word="w", features=Features(name="", source="base", text=""), methods=[], prompts=[],
        neutral_prompts=[], seeds=[], checkpoints=judged, strengths=[*checkpoints, *(others or [])],
    )  # fmt: skip
    verdicts.conclude(report, Recipe.model_validate(recipe), 10)
    return report


def kinds(report: HealthReport) -> set[str]:
    return {each.kind for each in report.advice}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "good"),
        ({"gain": 0.3}, "undertrained"),
        ({"adherence": 0.4}, "overtrained"),
        ({"bleed": 0.7}, "overtrained"),
        ({"copying": 0.9}, "overtrained"),
        ({"gain": -0.5, "adherence": 0.1, "bleed": 0.9}, "overtrained"),  # an adapter that draws noise
    ],
)
def test_verdicts(changes: dict[str, float], verdict: str) -> None:
    assert verdicts.judge(reading(1, **changes))[0] == verdict
    if changes:
        assert reading(1, **changes).score < reading(1).score


def test_what_could_not_be_measured_does_not_count_against_it() -> None:
    known = Reading(step=1, strength=1, measures={}, score=verdicts.score_of({}))
    assert known.score == 1
    assert verdicts.judge(known)[0] == "good"


def test_a_good_run_needs_nothing() -> None:
    report = conclude([reading(100, gain=0.7), reading(200)])
    assert report.verdict == "good"
    assert report.recommendation is not None
    assert report.recommendation.text.startswith("Step 200 at 1, because its images came 100%")
    assert kinds(report) == {"none"}


def test_what_copies_some_of_its_images_is_not_said_to_copy_none() -> None:
    words = "does not repeat its training images"
    assert words in conclude([reading(100, copying=0.125)]).summary
    some = conclude([reading(100, copying=0.38)])
    assert words not in some.summary
    assert some.verdict == "good"


def test_a_run_that_was_ruined_late_has_a_good_checkpoint() -> None:
    report = conclude([reading(100), reading(200, adherence=0.2, bleed=0.8)])
    assert report.verdict == "overtrained"
    assert report.recommendation is not None
    assert report.recommendation.step == 100
    assert "at step 200" in report.recommendation.text
    assert kinds(report) == {"earlier-checkpoint"}


def test_less_strength_where_that_does_less_harm() -> None:
    report = conclude([reading(100, bleed=0.45)], [reading(100, 0.8, bleed=0.1)])
    assert report.recommendation is not None
    assert (report.recommendation.step, report.recommendation.strength) == (100, 0.8)
    assert "lower-strength" in kinds(report)


def test_of_those_that_are_alike_full_strength_and_the_later_step() -> None:
    report = conclude([reading(100), reading(200)], [reading(200, 0.8, bleed=0.09), reading(200, 1.2)])
    assert report.recommendation is not None
    assert (report.recommendation.step, report.recommendation.strength) == (200, 1.0)


def test_a_lead_within_the_error_of_the_measures_does_not_win_over_a_later_step() -> None:
    report = conclude([reading(100, gain=1.1), reading(200, gain=1.0)])
    assert report.recommendation is not None
    assert report.recommendation.step == 200
    sure = reading(100, gain=1.1)
    for measure in sure.measures.values():
        measure.low = measure.high = measure.value
    exact = sure.model_copy(update={"step": 200, "score": sure.score - 0.05})
    report = conclude([sure, exact])
    assert report.recommendation is not None
    assert report.recommendation.step == 100


def test_a_broken_checkpoint_is_not_as_good_as_a_sound_one_however_near() -> None:
    report = conclude([reading(100, adherence=0.62), reading(200, adherence=0.58)])
    assert report.recommendation is not None
    assert report.recommendation.step == 100


def test_the_sheet_shows_what_is_recommended_and_the_best_of_the_others() -> None:
    judged = conclude([reading(100, gain=1.1), reading(200, gain=0.2), reading(300)]).checkpoints
    assert [each.step for each in verdicts.best_checkpoints(judged, 2)] == [300, 100]


def test_too_few_steps_or_too_low_a_rate() -> None:
    rising = conclude([reading(100, gain=0.1), reading(200, gain=0.3)])
    assert kinds(rising) == {"more-steps"}
    assert "Extend" in rising.advice[0].text
    assert "learning rate" in conclude([reading(100, gain=0.3), reading(200, gain=0.3)]).advice[0].text


def test_everything_damaged_asks_for_a_lower_learning_rate() -> None:
    report = conclude([reading(100, adherence=0.1), reading(200, adherence=0.1)])
    assert "lower-learning-rate" in kinds(report)
    assert report.recommendation is not None
    assert "is the best there is, but" in report.recommendation.text


def test_leaks_and_copies_have_their_remedies() -> None:
    assert "preservation" in kinds(conclude([reading(100, bleed=0.4)]))
    assert "preservation" not in kinds(conclude([reading(100, bleed=0.4)], preservation=1.0))
    assert "more-images" in kinds(conclude([reading(100, copying=0.5)]))
