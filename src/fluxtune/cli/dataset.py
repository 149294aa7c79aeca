"""`fluxtune dataset`: create, fill, mend, list and show datasets; for their images see `dataset_images.py`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args

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
from fluxtune.datasets.schemas import Dataset, DatasetCheck, FixKind, RefusedFile, SampleConcept
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
    _check_paths(given, "Nothing was created")
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
        added = _upload(client, dataset.id, given, output)
    _show_added(output, added)
    if given and not added.dataset.image_count:
        raise typer.Exit(exits.INVALID)


@app.command()
def add(
    dataset: Annotated[str, typer.Argument(metavar="NAME|ID", help="Which dataset.")],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH", help="Images, folders and ZIPs; .txt files become captions.", show_default=False
        ),
    ],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add images and captions to a dataset that is there.

    What it has already is recognised by its content and not stored again, so an import that broke off is gone on with
    by the same command. Reports every file that could not be taken, and why.
    """
    output = Output(json)
    _check_paths(paths, "Nothing was added")
    with open_studio(data, output) as studio:
        added = _upload(studio.client, find_dataset(studio.client, dataset).id, paths, output)
    _show_added(output, added)
    if added.refused and not (added.added_count or added.captioned_count or added.duplicates):
        raise typer.Exit(exits.INVALID)


@app.command()
def fix(
    dataset: Annotated[str, typer.Argument(metavar="NAME|ID", help="Which dataset.")],
    fixes: Annotated[
        list[str],
        typer.Argument(metavar="FIX", help="What to mend, by the names `dataset show` gives.", show_default=False),
    ],
    base: Annotated[str | None, typer.Option(metavar="NAME", help="Check for this base.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Mend what the check finds, as its buttons do.

    Removed images come back with `dataset change --restore`, cut ones with `dataset edit --original`, captions with
    `caption undo`.
    """
    output = Output(json)
    known = get_args(FixKind)
    unknown = [each for each in fixes if each not in known]
    if unknown:
        raise InvalidInput(f"There is no fix “{unknown[0]}”.", action=f"Use some of {', '.join(known)}.", field="fix")
    with open_studio(data, output) as studio:
        found = find_dataset(studio.client, dataset)
        # One after the other: what the first removes, the next need not mend.
        results = {each: studio.client.fix_dataset(found.id, each, base=base) for each in fixes}
        check = studio.client.check_dataset(found.id, base=base)
    result = {
        "fixes": {name: each.model_dump(mode="json") for name, each in results.items()},
        "check": check.model_dump(mode="json"),
    }

    def render(out: Console) -> None:
        out.print(table(["fix", "changed"], [(name, each.changed_count) for name, each in results.items()]))
        _print_findings(out, check)

    output.result(result, render)


@dataclass(slots=True)
class _Added:
    """What became of an upload."""

    dataset: Dataset
    check: DatasetCheck
    added_count: int = 0
    captioned_count: int = 0
    refused: list[RefusedFile] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)


def _check_paths(paths: list[Path], title: str) -> None:
    absent = [path for path in paths if not path.expanduser().exists()]
    if absent:
        raise InvalidInput(f"There is no file or folder {absent[0]}.", title=title, field="path")


def _upload(client: Client, dataset_id: str, paths: list[Path], output: Output) -> _Added:
    reports = []
    for report in client.upload_images(dataset_id, paths):
        reports.append(report)
        output.note(f"{report.image_count} images")
    return _Added(
        client.get_dataset(dataset_id),
        client.check_dataset(dataset_id),
        sum(len(report.added) for report in reports),
        sum(report.captioned_count for report in reports),
        [each for report in reports for each in report.refused],
        [each for report in reports for each in report.duplicates],
    )


def _show_added(output: Output, added: _Added) -> None:
    dataset = added.dataset
    result = {
        **dataset.model_dump(mode="json"),
        "added_count": added.added_count,
        "refused": [each.model_dump(mode="json") for each in added.refused],
        "duplicates": added.duplicates,
        "check": added.check.model_dump(mode="json"),
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
        if added.refused:
            out.print(table(["refused", "why", "what to do"], [(r.name, r.reason, r.action) for r in added.refused]))
        if added.duplicates:
            out.print(f"Already there: {', '.join(added.duplicates)}", markup=False)
        _print_findings(out, added.check)

    output.result(result, render)


def _print_findings(out: Console, check: DatasetCheck) -> None:
    for finding in check.findings:
        by_command = f" (fix: {finding.fix})" if finding.fix else ""
        out.print(f"{finding.severity}: {finding.sentence} {finding.action}{by_command}", markup=False)


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
        _print_findings(out, check)

    output.result(result, render)
