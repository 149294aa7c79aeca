"""`fluxtune dataset`: create, list and show datasets; what is done to their images is in `dataset_images.py`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fluxtune.cli import dataset_images, exits
from fluxtune.cli.find import find
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, facts, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput, NotReady
from fluxtune.datasets.schemas import Dataset, RefusedFile, SampleConcept
from fluxtune.engine.config import Mode

app = typer.Typer(add_completion=False, help=COMMANDS["dataset"][1], no_args_is_help=True)
app.add_typer(dataset_images.app)


def find_dataset(client: Client, wanted: str) -> Dataset:
    """Return the dataset with this name or id."""
    return find(client.datasets(), wanted, "dataset", name=lambda each: each.name, id_=lambda each: each.id)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Images, folders and ZIPs; .txt files become captions.")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Fill it with the bundled sample images.")] = False,
    concept: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which bundled sample; the first when not given.")
    ] = None,
    mode: Annotated[Mode | None, typer.Option(help="What it shows.")] = None,
    trigger: Annotated[
        str | None, typer.Option(metavar="WORD", help="The word that will call up what is learnt.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Create a dataset and fill it with images.

    Reports every file that could not be taken, and why.
    """
    output = Output(json)
    given = list(paths or [])
    absent = [path for path in given if not path.expanduser().exists()]
    if absent:
        raise InvalidInput(f"There is no file or folder {absent[0]}.", title="Nothing was created", field="path")
    with open_studio(data, output) as studio:
        client = studio.client
        chosen = choose_concept(client.samples(), concept) if sample or concept else None
        request: dict[str, Any] = {
            "name": name,
            "mode": mode,
            "trigger_word": trigger,
            "sample": chosen and chosen.name,
        }
        dataset = client.create_dataset(**{key: value for key, value in request.items() if value is not None})
        refused: list[RefusedFile] = []
        duplicates: list[str] = []
        for report in client.upload_images(dataset.id, given):
            refused += report.refused
            duplicates += report.duplicates
            output.note(f"{report.image_count} images")
        dataset = client.get_dataset(dataset.id)
        check = client.check_dataset(dataset.id)
    result = {
        **dataset.model_dump(mode="json"),
        "refused": [each.model_dump(mode="json") for each in refused],
        "duplicates": duplicates,
        "check": check.model_dump(mode="json"),
    }

    def render(out: Console) -> None:
        out.print(
            facts(
                [
                    ("dataset", dataset.name),
                    ("id", dataset.id),
                    ("images", dataset.image_count),
                    ("captioned", dataset.captioned_count),
                    ("trigger word", dataset.trigger_word),
                ]
            )
        )
        if refused:
            out.print(table(["refused", "why", "what to do"], [(r.name, r.reason, r.action) for r in refused]))
        if duplicates:
            out.print(f"Already there: {', '.join(duplicates)}", markup=False)
        for finding in check.findings:
            out.print(f"{finding.severity}: {finding.sentence} {finding.action}", markup=False)

    output.result(result, render)
    if given and not dataset.image_count:
        raise typer.Exit(exits.INVALID)


def choose_concept(concepts: list[SampleConcept], name: str | None) -> SampleConcept:
    """Return the sample concept of this name, or the first."""
    if not concepts:
        raise NotReady(
            "This installation has no sample images.",
            action="Install the package again, or give your own images instead.",
        )
    if name is None:
        return concepts[0]
    return find(concepts, name, "sample", name=lambda each: each.title, id_=lambda each: each.name)


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List the datasets, newest first."""
    output = Output(json)
    with open_studio(data, output) as studio:
        datasets = studio.client.datasets()
    rows = [(each.id, each.name, each.image_count, each.captioned_count, ago(each.updated_at)) for each in datasets]
    output.result(datasets, lambda out: out.print(table(["id", "name", "images", "captioned", "changed"], rows)))


@app.command()
def show(
    dataset: Annotated[str, typer.Argument(metavar="NAME|ID", help="Which dataset.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show one dataset: its images, captions and check."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = find_dataset(studio.client, dataset)
        images = studio.client.dataset_images(found.id)
        check = studio.client.check_dataset(found.id)
    result = {
        **found.model_dump(mode="json"),
        "images": [each.model_dump(mode="json") for each in images],
        "check": check.model_dump(mode="json"),
    }

    def render(out: Console) -> None:
        out.print(
            facts(
                [
                    ("dataset", found.name),
                    ("id", found.id),
                    ("mode", found.mode),
                    ("trigger word", found.trigger_word),
                    ("images", found.image_count),
                ]
            )
        )
        rows = [(f"{i.image.width}×{i.image.height}", i.name, i.caption, ", ".join(i.problems)) for i in images]
        out.print(table(["size", "image", "caption", "problems"], rows))
        for finding in check.findings:
            out.print(f"{finding.severity}: {finding.sentence} {finding.action}", markup=False)

    output.result(result, render)
