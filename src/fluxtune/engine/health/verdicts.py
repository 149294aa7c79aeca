"""From numbers to words: a score, a verdict on each checkpoint, one recommendation, and what to do. No torch here.

The checkpoint is chosen first, at full strength, where there are most images; then its strength. Scores rest on few
images, so the highest is not simply taken: of those that are lower by less than a standard error, the latest step, and
the strength nearest to full (after the one-standard-error rule, Breiman et al. 1984, section 3.4.3).

The limits were set on finetunes of `pocket` that were looked at (docs/guide/health.md). They say "look here", no more.
"""

from collections.abc import Mapping

from fluxtune.engine.config import Recipe
from fluxtune.engine.reports import (
    Advice,
    CheckpointHealth,
    HealthReport,
    Measure,
    MeasureName,
    Reading,
    Recommendation,
    Verdict,
)

FULL_GAIN = 1.25
"""More gain than this is not worth more."""
LEAST_GAIN = 0.5
LEAST_ADHERENCE = 0.6
MOST_BLEED = 0.5
MOST_COPIES = 0.75
NOTABLE_BLEED = 0.3
NOTABLE_COPIES = 0.4
# Up to here a report may say that training images are not repeated; one image of eight happens by chance.
RARE_COPIES = 0.15
FEW_IMAGES = 15
SIMILAR = 0.03
"""Scores and gains nearer to each other than this say nothing about which is better, however sure each is."""
HALF_INTERVAL = 1.645
"""Standard errors from the middle of a 90 % interval to its end."""

Measures = Mapping[MeasureName, Measure]


def score_of(measures: Measures) -> float:
    """Return one number to rank by: the concept, if the rest of the prompt counts, less what was broken for it.

    gain x adherence x (1 - bleed / 2) x (1 - copying / 4), each cut to 0 … 1; what could not be measured counts as
    perfect. Copying counts least: a prompt that asks for a training image's scene may get it.
    """
    gain = _value(measures, "gain", FULL_GAIN) / FULL_GAIN
    parts = (
        _cut(gain),
        _cut(_value(measures, "adherence", 1.0)),
        1 - _cut(_value(measures, "bleed", 0.0)) / 2,
        1 - _cut(_value(measures, "copying", 0.0)) / 4,
    )
    score = 1.0
    for part in parts:
        score *= part
    return round(score, 4)


def error_of(measures: Measures) -> float:
    """Return the standard error of the score: what each measure's interval does to it, added as independent."""
    squares = 0.0
    for name, measure in measures.items():
        low, high = (
            score_of({**measures, name: measure.model_copy(update={"value": value})})
            for value in (measure.low, measure.high)
        )
        squares += ((high - low) / 2 / HALF_INTERVAL) ** 2
    return float(squares**0.5)


def judge(reading: Reading) -> tuple[Verdict, list[str]]:
    """Return a verdict and its reasons. Breaking things comes first: an adapter can be broken and know nothing."""
    measures = reading.measures
    broken = []
    if _value(measures, "adherence", 1.0) < LEAST_ADHERENCE:
        broken.append(f"the rest of the prompt counts only {_say(measures, 'adherence')} of what it does in the base")
    if _value(measures, "bleed", 0.0) > MOST_BLEED:
        broken.append(f"images without the trigger word changed {_say(measures, 'bleed')} as much as by another prompt")
    if _value(measures, "copying", 0.0) >= MOST_COPIES:
        broken.append(f"{_say(measures, 'copying')} of its images are near copies of training images")
    if broken:
        return "overtrained", broken
    if _value(measures, "gain", FULL_GAIN) < LEAST_GAIN:
        return "undertrained", [f"its images came only {_say(measures, 'gain')} of the way to the training images"]
    if "gain" not in measures:
        return "good", ["nothing is broken; the base's own images are as close to the concept as its images are"]
    return "good", [
        f"its images came {_say(measures, 'gain')} of the way to the training images",
        *_strong_points(measures),
    ]


def conclude(report: HealthReport, recipe: Recipe, image_count: int) -> None:
    """Fill in verdict, summary, recommendation and advice of a report whose readings are there."""
    last = report.checkpoints[-1]
    report.verdict = last.verdict
    report.summary = f"Step {last.step}, the last, is {last.verdict}: {'; '.join(last.reasons)}."
    best = _best(report)
    verdict, reasons = judge(best)
    because = list(reasons)
    if best.step != last.step and last.verdict == "overtrained":
        because.append(f"at step {last.step} {last.reasons[0]}")
    how = ", because" if verdict == "good" else " is the best there is, but"
    report.recommendation = Recommendation(
        step=best.step,
        strength=best.strength,
        text=f"Step {best.step} at {best.strength:g}{how} {' and '.join(because)}.",
        reasons=because,
    )
    report.advice = _advice(report, best, verdict, recipe, image_count)


def best_checkpoints(checkpoints: list[CheckpointHealth], count: int) -> list[CheckpointHealth]:
    """Return the checkpoint to recommend, and then others by their score: those worth more strengths than full."""
    top = max(checkpoints, key=lambda each: each.reading.score)
    # What is broken is not as good as what is not, however near their scores are.
    sound = [each.reading for each in checkpoints if each.verdict in (top.verdict, "good")]
    step = max(each.step for each in _alike(sound, top.reading))
    return sorted(checkpoints, key=lambda each: (each.step != step, -each.reading.score))[:count]


def _best(report: HealthReport) -> Reading:
    """Return the reading to go by: of the checkpoint to recommend, at the strength to recommend."""
    chosen = best_checkpoints(report.checkpoints, 1)[0].reading
    tried = [each for each in report.strengths if each.step == chosen.step]
    if not tried:
        return chosen
    best = min(_alike(tried, max(tried, key=lambda each: each.score)), key=lambda each: abs(each.strength - 1))
    # At full strength there are more images to go by than those of the sheet.
    return chosen if best.strength == 1 else best


def _alike(readings: list[Reading], top: Reading) -> list[Reading]:
    """Return the readings whose score is lower than the best by less than the standard error of that difference."""
    error = error_of(top.measures)
    return [
        each
        for each in readings
        if top.score - each.score <= max(SIMILAR, float((error**2 + error_of(each.measures) ** 2) ** 0.5))
    ]


def _advice(report: HealthReport, best: Reading, verdict: Verdict, recipe: Recipe, image_count: int) -> list[Advice]:
    found = []
    last = report.checkpoints[-1]
    if verdict == "undertrained":
        more = f"Extend the run: at step {last.step} it is still learning."
        if not _is_rising(report.checkpoints):
            more = "More steps help little: its gain no longer rises. Finetune again with a higher learning rate."
        found.append(Advice(kind="more-steps", text=more))
    elif verdict == "overtrained":
        slower = (
            f"Finetune again with a lower learning rate than {recipe.learning_rate:g}: every checkpoint is damaged."
        )
        found.append(Advice(kind="lower-learning-rate", text=slower))
    if best.step < last.step and last.verdict == "overtrained" and verdict != "overtrained":
        earlier = f"Use the checkpoint of step {best.step}; what came after it did harm."
        found.append(Advice(kind="earlier-checkpoint", text=earlier))
    if best.strength < 1:
        weaker = f"Draw with strength {best.strength:g}: at full strength it does more harm than good."
        found.append(Advice(kind="lower-strength", text=weaker))
    bleed, copies = _value(best.measures, "bleed", 0.0), _value(best.measures, "copying", 0.0)
    if bleed > NOTABLE_BLEED and not recipe.preservation:
        keep = "The concept leaks into prompts without its trigger word: finetune again with preservation at 1."
        found.append(Advice(kind="preservation", text=keep))
    if copies >= NOTABLE_COPIES and image_count < FEW_IMAGES:
        text = f"It repeats training images: add more than these {image_count}, with other settings, angles and poses."
        found.append(Advice(kind="more-images", text=text))
    return found or [Advice(kind="none", text="Nothing needs to be done.")]


def _is_rising(checkpoints: list[CheckpointHealth]) -> bool:
    """Did gain still grow between the last two checkpoints? With a single one nobody knows, and more may help."""
    gains = [each.reading.measures["gain"].value for each in checkpoints[-2:] if "gain" in each.reading.measures]
    return len(gains) < 2 or gains[1] > gains[0] + SIMILAR


def _strong_points(measures: Measures) -> list[str]:
    points = []
    if _value(measures, "adherence", 0.0) >= LEAST_ADHERENCE:
        points.append("the rest of the prompt still counts")
    if "bleed" in measures and measures["bleed"].value <= NOTABLE_BLEED:
        points.append("prompts without the trigger word are hardly touched")
    if "copying" in measures and measures["copying"].value <= RARE_COPIES:
        points.append("it does not repeat its training images")
    return points


def _value(measures: Measures, name: MeasureName, otherwise: float) -> float:
    return measures[name].value if name in measures else otherwise


def _say(measures: Measures, name: MeasureName) -> str:
    measure = measures[name]
    return f"{measure.value:.0%} ({measure.low:.0%} to {measure.high:.0%})"


def _cut(value: float) -> float:
    return min(1.0, max(0.0, value))
