"""`fluxtune model health` and `fluxtune finetune compare`: how well finetunes turned out."""

from typing import Annotated, Any

import typer
from rich.console import Console

from fluxtune.cli.exits import UNHEALTHY, code_of_end
from fluxtune.cli.find import find
from fluxtune.cli.follow import follow_job
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, print_problem, table
from fluxtune.cli.runs import find_finetune
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput, NotFound
from fluxtune.engine.reports import HealthReport, Measure, MeasureName, Reading
from fluxtune.health.schemas import ComparedFinetune, Comparison, Health

MEASURES: tuple[MeasureName, ...] = ("gain", "bleed", "copying", "adherence")
ACTIVE = ("queued", "running")


def health(
    model: Annotated[str, typer.Argument(metavar="NAME|ID", help="Which model.")],
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure now, even if there is a report; what still holds is kept.")
    ] = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel the check that waits or runs; a report that is there stays.")
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a finetuned model learned and what it broke, and which checkpoint and strength to use.

    Measures it first when nobody has. The exit code is 0 for a good model and 8 for an under- or overtrained one.
    """
    output = Output(json)
    with open_studio(data, output, works=not cancel) as studio:
        found = find(studio.client.models(), model, "model", name=lambda each: each.name, id_=lambda each: each.id)
        if found.finetune_id is None:
            raise InvalidInput(
                f"“{found.name}” is a base.",
                title="Only finetuned models have a health report",
                action="Choose one of `fluxtune model list`.",
            )
        if cancel:
            job = studio.client.cancel_check(found.finetune_id)
            output.result(
                job,
                lambda out: out.print(
                    f"{job.title}: {'cancelled' if job.state == 'cancelled' else 'ends in a moment'}.", markup=False
                ),
            )
            return
        shown = read_health(studio.client, found.finetune_id, output, measure=measure)
    report = shown.report
    if report is None:
        raise NotFound("Its check has not ended.", title="There is no report yet", action="Ask again later.")
    output.result(shown, lambda out: _render(shown, report, out))
    if report.verdict != "good":
        raise typer.Exit(UNHEALTHY)


def read_health(client: Client, finetune_id: str, output: Output, *, measure: bool = False) -> Health:
    """Return the health of a finetune; wait for the check that is on its way, or for one of our own.

    Leaves with the exit code of the check when it ended badly.
    """
    health = client.finetune_health(finetune_id)
    job = health.job if health.job is not None and health.job.state in ACTIVE else None
    if job is None and (measure or health.report is None):
        job = client.check_finetune(finetune_id)
    if job is None:
        return health
    follow_job(client, job.id, output, "Health")
    health = client.finetune_health(finetune_id)
    if health.job is not None and health.job.state != "succeeded":
        if health.job.error is not None:
            print_problem(health.job.error, output.as_json)
        raise typer.Exit(code_of_end(health.job.state, health.job.error))
    return health


def compare(
    a: Annotated[str, typer.Argument(metavar="NAME|ID", help="One finetune.")],
    b: Annotated[str, typer.Argument(metavar="NAME|ID", help="The other.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show two finetunes side by side: what differs between them, and what came of it."""
    output = Output(json)
    with open_studio(data, output) as studio:
        first, second = (find_finetune(studio.client, each).id for each in (a, b))
        comparison = studio.client.compare_finetunes(first, second)
    output.result(comparison, lambda out: _render_comparison(comparison, out))


def _render(shown: Health, report: HealthReport, out: Console) -> None:
    rows = [
        (each.step, *(_say(each.reading.measures.get(name)) for name in MEASURES), each.verdict)
        for each in report.checkpoints
    ]
    out.print(table(["step", *MEASURES, "verdict"], rows))
    if report.strengths:
        out.print()
        rows = [
            (
                each.step,
                f"{each.strength:g}",
                *(_say(each.measures.get(name)) for name in MEASURES),
                f"{each.score:.2f}",
            )
            for each in report.strengths
        ]
        out.print(table(["step", "strength", *MEASURES, "score"], rows))
    out.print()
    if report.recommendation is not None:
        out.print(report.recommendation.text, markup=False)
    for advice in report.advice:
        out.print(f"→ {advice.text}", markup=False)
    out.print()
    for method in report.methods:
        out.print(f"{method.name} ({method.better} is better): {method.text}", markup=False, style="dim")
    count = len(report.prompts) * len(report.seeds)
    measured = f", {ago(shown.measured_at)}" if shown.measured_at else ""
    out.print(
        f"In brackets: 90 % intervals. {count} images a checkpoint and {len(report.neutral_prompts)} without the "
        f"trigger word. {report.features.text} Measured in {report.seconds:.0f} s{measured}.",
        markup=False,
        style="dim",
    )


def _say(measure: Measure | None) -> str | None:
    return f"{measure.value:.2f} ({measure.low:.2f} … {measure.high:.2f})" if measure is not None else None


def _render_comparison(comparison: Comparison, out: Console) -> None:
    a, b = comparison.a, comparison.b
    rows: list[tuple[Any, ...]] = [
        (each.title, _short(each.a), _short(each.b)) for each in (*comparison.facts, *comparison.recipe)
    ]
    rows.append(("Loss at the end", _last_loss(a), _last_loss(b)))
    first, second = _best(a), _best(b)
    if first is not None or second is not None:
        for name in MEASURES:
            pair = (each.measures.get(name) if each is not None else None for each in (first, second))
            rows.append((name.capitalize(), *(_say(measure) for measure in pair)))
        rows.append(("Use", *(_use(each) for each in (a, b))))
    out.print(table(["", a.finetune.name, b.finetune.name], rows))


def _best(side: ComparedFinetune) -> Reading | None:
    """Return what was measured of the recommended checkpoint at full strength."""
    if side.health is None or side.health.recommendation is None:
        return None
    step = side.health.recommendation.step
    return next((each.reading for each in side.health.checkpoints if each.step == step), None)


def _use(side: ComparedFinetune) -> str | None:
    return side.health.recommendation.text if side.health and side.health.recommendation else None


def _last_loss(side: ComparedFinetune) -> str | None:
    return f"{side.loss[-1].smoothed:.4f}" if side.loss else None


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
