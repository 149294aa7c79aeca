"""`fluxtune demo`: the whole way, from sample images to a contact sheet, without a browser."""

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console

from fluxtune.cli.dataset import choose_concept
from fluxtune.cli.exits import code_of_end
from fluxtune.cli.follow import follow_job
from fluxtune.cli.health import read_health
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, duration, facts, print_problem, size
from fluxtune.cli.runs import plan_line
from fluxtune.cli.sheet import SheetRow, draw_sheet
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import JobFailed
from fluxtune.datasets.schemas import SampleConcept
from fluxtune.engine.recipes import Quality
from fluxtune.engine.reports import HealthReport, Verdict
from fluxtune.finetunes.schemas import Finetune
from fluxtune.generations.schemas import Generation

app = typer.Typer(add_completion=False, help=COMMANDS["demo"][1])

PROMPT_COUNT = 3
SEED = 7


class Summary(BaseModel):
    """What the demo did."""

    sheet: str
    concept: str
    trigger_word: str
    dataset_id: str
    finetune_id: str
    model_id: str
    base: str
    steps: int
    train_seconds: float
    seconds: float
    peak_memory_bytes: int | None
    final_loss: float | None
    image_count: int
    gain: float | None
    verdict: Verdict | None
    recommendation: str | None


def without_trigger(prompt: str, trigger_word: str) -> str:
    """Return the prompt as somebody who does not know the trigger word would write it."""
    clauses = []
    for index, clause in enumerate(prompt.split(",")):
        left = re.sub(rf"(?<!\w){re.escape(trigger_word)}(?!\w)", " ", clause, flags=re.IGNORECASE).split()
        # “a cat, inkpop style” is “a cat”: a clause that only named the concept says nothing without its name.
        if index == 0 or len(left) > 1 or left == clause.split():
            clauses.append(" ".join(left))
    return ", ".join(clause for clause in clauses if clause)


def _train(client: Client, concept: SampleConcept, quality: Quality, output: Output) -> Finetune:
    dataset = client.create_dataset(sample=concept.name)
    output.note(f"Dataset “{dataset.name}”: {dataset.image_count} images of “{concept.trigger_word}”")
    request: dict[str, Any] = {"dataset_id": dataset.id, "base": "pocket", "mode": concept.mode, "quality": quality}
    output.note(plan_line(client.plan_finetune(**request)))
    finetune = client.start_finetune(**request)
    follow_job(client, finetune.job_id, output, "Finetune")
    return client.get_finetune(finetune.id)


def _save(client: Client, started: Generation, target: Path) -> Path:
    for _ in client.follow(started.job_id):
        pass
    generation = client.get_generation(started.id)
    result = generation.slots[0].result
    if result is None:
        reason = generation.error.detail if generation.error else f"The generation is {generation.state}."
        raise JobFailed(reason, title=f"“{generation.prompt}” could not be drawn")
    client.save_image(result.image, target)
    return target


def draw_rows(client: Client, model_id: str, prompts: list[str], folder: Path, output: Output) -> list[SheetRow]:
    """Draw every prompt with the base, then with the model, so that the adapter is loaded once.

    All are asked for before the first is waited for: between two the check of the finetune would take the device, and
    the base would be loaded again for each.
    """
    models = {"base": "pocket", "finetuned": model_id}
    started = {
        (name, prompt): client.start_generation(model_id=model, prompt=prompt, count=1, seed=SEED)
        for name, model in models.items()
        for prompt in prompts
    }
    drawn: dict[tuple[str, str], Path] = {}
    for (name, prompt), generation in started.items():
        output.note(f"Drawing with {name}: {prompt}")
        stem = re.sub(r"\W+", "-", prompt.lower()).strip("-")
        drawn[name, prompt] = _save(client, generation, folder / f"{stem}-{name}.png")
    return [SheetRow(prompt, drawn["base", prompt], drawn["finetuned", prompt]) for prompt in prompts]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.", file_okay=False)] = Path(
        "fluxtune-demo"
    ),
    concept: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which bundled sample; the first if none.")
    ] = None,
    quality: Annotated[Quality, typer.Option(help="How good, and so how long.")] = "draft",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Teach the bundled model a sample concept and draw it: the whole way in one command.

    Writes a contact sheet: the training images on top, then each prompt drawn by the base and by the finetuned model
    from the same seed, with the trigger word and without it. Dataset and model stay in the studio.
    """
    output = Output(as_json)
    started = time.monotonic()
    with open_studio(data, output, works=True) as studio:
        client = studio.client
        chosen = choose_concept(client.samples(), concept)
        finetune = _train(client, chosen, quality, output)
        if finetune.model_id is None:
            if finetune.error:
                print_problem(finetune.error, as_json)
            raise typer.Exit(code_of_end(finetune.state, finetune.error) or 1)
        pictures = out / "images"
        training = []
        for item in client.dataset_images(finetune.dataset_id):
            training.append(pictures / f"training-{item.position:02d}.{item.image.format.lower()}")
            client.save_image(item.image, training[-1])
        with_word = [prompt.replace("[trigger]", chosen.trigger_word) for prompt in chosen.prompts[:PROMPT_COUNT]]
        without_word = [without_trigger(prompt, chosen.trigger_word) for prompt in with_word]
        rows = draw_rows(client, finetune.model_id, [*with_word, *without_word], pictures, output)
        groups = [
            (f"With the trigger word “{chosen.trigger_word}”", rows[: len(with_word)]),
            ("Without it: what was meant to stay as it is", rows[len(with_word) :]),
        ]
        sheet = out / "contact-sheet.png"
        draw_sheet(f"{chosen.title}: {finetune.image_count} images, {finetune.step} steps", training, groups, sheet)
        output.note(f"Contact sheet: {sheet}. Measuring how well it turned out; Ctrl-C if you don't want to wait.")
        report = read_health(client, finetune.id, output).report
    took = (finetune.finished_at - finetune.started_at) if finetune.finished_at and finetune.started_at else None
    summary = Summary(
        sheet=str(sheet.absolute()),
        concept=chosen.name,
        trigger_word=chosen.trigger_word,
        dataset_id=finetune.dataset_id,
        finetune_id=finetune.id,
        model_id=finetune.model_id,
        base=finetune.base,
        steps=finetune.step,
        train_seconds=took.total_seconds() if took else 0.0,
        seconds=time.monotonic() - started,
        peak_memory_bytes=finetune.peak_memory_bytes,
        final_loss=finetune.loss,
        image_count=finetune.image_count,
        gain=report.checkpoints[-1].reading.measures["gain"].value if report and _has_gain(report) else None,
        verdict=report.verdict if report else None,
        recommendation=report.recommendation.text if report and report.recommendation else None,
    )
    output.result(summary, lambda screen: _render(summary, screen))


def _has_gain(report: HealthReport) -> bool:
    return "gain" in report.checkpoints[-1].reading.measures


def _render(summary: Summary, screen: Console) -> None:
    screen.print(
        facts(
            [
                ("contact sheet", summary.sheet),
                ("steps", summary.steps),
                ("training", duration(summary.train_seconds)),
                ("altogether", duration(summary.seconds)),
                ("peak memory", size(summary.peak_memory_bytes) if summary.peak_memory_bytes else None),
                ("loss", f"{summary.final_loss:.4f}" if summary.final_loss is not None else None),
                ("verdict", summary.verdict),
                ("use", summary.recommendation),
                ("model", summary.model_id),
            ]
        )
    )
    screen.print("See it all in the browser: fluxtune serve", markup=False)
