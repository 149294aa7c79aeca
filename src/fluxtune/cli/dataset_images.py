"""`fluxtune dataset`: find, change and edit images, see what the trainer sees, export, copy, snapshots."""

from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console

from fluxtune.cli.find import find
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, facts, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput
from fluxtune.datasets.schemas import Dataset, Edits, ExportLayout, FindingKind, GridImage, ImageEdits, Shape, Size
from fluxtune.snapshots.schemas import ImageDifference, SnapshotImage

app = typer.Typer(add_completion=False)

DatasetArgument = Annotated[str, typer.Argument(metavar="NAME|ID", help="Which dataset.")]
QueryOption = Annotated[str | None, typer.Option("--where", metavar="WORDS", help="Words of the caption or name.")]
TagOption = Annotated[list[str] | None, typer.Option("--tagged", metavar="TAG", help="Only with this tag.")]
ProblemOption = Annotated[str | None, typer.Option(metavar="KIND", help="Only with this problem of the check.")]
SizeOption = Annotated[Size | None, typer.Option(help="Only of this size.")]
ShapeOption = Annotated[Shape | None, typer.Option(help="Only of this shape.")]
ImageOption = Annotated[list[str] | None, typer.Option("--image", metavar="NAME|ID", help="Only this image.")]


def _dataset(client: Client, wanted: str) -> Dataset:
    return find(client.datasets(), wanted, "dataset", name=lambda each: each.name, id_=lambda each: each.id)


def _images(client: Client, dataset: Dataset, names: list[str] | None, **wanted: Any) -> list[GridImage]:
    """Return the images that are meant: those named, or all that match."""
    if wanted.get("problem") not in (None, *get_args(FindingKind)):
        kinds = ", ".join(get_args(FindingKind))
        raise InvalidInput(f"The check knows no “{wanted['problem']}”.", action=f"Use one of {kinds}.", field="problem")
    found = list(client.find_images(dataset.id, **{key: value for key, value in wanted.items() if value}))
    if not names:
        return found
    return [find(found, each, "image", name=lambda one: one.name, id_=lambda one: one.id) for each in names]


@app.command("find")
def find_(
    dataset: DatasetArgument, query: QueryOption = None, tag: TagOption = None, problem: ProblemOption = None,
    size: SizeOption = None, shape: ShapeOption = None,
    removed: Annotated[bool, typer.Option("--removed", help="Those that were removed.")] = False,
    data: DataOption = None, json: JsonOption = False,
) -> None:  # fmt: skip
    """Find images of a dataset."""
    output = Output(json)
    with open_studio(data, output) as studio:
        wanted = {"query": query, "tags": tag, "problem": problem, "size": size, "shape": shape, "removed": removed}
        found = _images(studio.client, _dataset(studio.client, dataset), None, **wanted)
    rows = [
        (f"{i.image.width}×{i.image.height}", i.name, i.caption, ", ".join(i.tags), f"{i.repeats}×" * (i.repeats > 1))
        for i in found
    ]
    output.result(found, lambda out: out.print(table(["size", "image", "caption", "tags", "repeats"], rows)))


@app.command()
def change(
    dataset: DatasetArgument, image: ImageOption = None, query: QueryOption = None, tagged: TagOption = None,
    problem: ProblemOption = None, size: SizeOption = None, shape: ShapeOption = None,
    tag: Annotated[list[str] | None, typer.Option(help="Add this tag.")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="Take this tag away.")] = None,
    notes: Annotated[str | None, typer.Option(help="Write these notes.")] = None,
    source: Annotated[str | None, typer.Option(help="Say where they are from.")] = None,
    licence: Annotated[str | None, typer.Option(help="Say under which licence.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, max=1000, help="How often each pass sees them.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take them out; they can be put back.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Put removed ones back.")] = False,
    data: DataOption = None, json: JsonOption = False,
) -> None:  # fmt: skip
    """Tag, describe, repeat, remove or put back images: those named, or all that match."""
    output = Output(json)
    given = {"notes": notes, "source": source, "licence": licence, "repeats": repeats}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    values |= {"add_tags": tag} if tag else {}
    values |= {"remove_tags": untag} if untag else {}
    values |= {"removed": remove} if remove != restore else {}
    if not values:
        raise InvalidInput("Nothing was said to change.", action="Give --tag, --repeats, --licence or another option.")
    with open_studio(data, output) as studio:
        row = _dataset(studio.client, dataset)
        wanted = {"query": query, "tags": tagged, "problem": problem, "size": size, "shape": shape, "removed": restore}
        found = _images(studio.client, row, image, **wanted)
        done = studio.client.change_images(row.id, [each.id for each in found], **values)
    output.result(done, lambda out: out.print(f"{done.changed_count} images changed"))


@app.command()
def edit(
    dataset: DatasetArgument, image: ImageOption = None, query: QueryOption = None, tagged: TagOption = None,
    problem: ProblemOption = None, size: SizeOption = None, shape: ShapeOption = None,
    aspect: Annotated[
        str | None, typer.Option(metavar="W:H", help="Cut to this shape, around what there is to see.")
    ] = None,
    borders: Annotated[bool, typer.Option("--borders", help="Leave plain borders out.")] = False,
    turn: Annotated[int, typer.Option(metavar="DEGREES", help="Turn clockwise: 90, 180 or 270.")] = 0,
    mirror: Annotated[bool, typer.Option("--mirror", help="Mirror left to right.")] = False,
    original: Annotated[bool, typer.Option("--original", help="Restore the originals.")] = False,
    data: DataOption = None, json: JsonOption = False,
) -> None:  # fmt: skip
    """Crop, turn and mirror images: those named, or all that match. Edits begin with the originals, which are kept."""
    output = Output(json)
    ratio = _ratio(aspect)
    if turn not in (0, 90, 180, 270):
        raise InvalidInput(f"{turn} degrees is no quarter turn.", action="Use 90, 180 or 270.", field="turn")
    if not (ratio or borders or turn or mirror or original):
        raise InvalidInput(
            "Nothing was said to edit.", action="Give --aspect, --borders, --turn, --mirror, --original."
        )
    plain = Edits(turn=turn, mirror=mirror)  # type: ignore[arg-type]
    with open_studio(data, output) as studio:
        client = studio.client
        row = _dataset(client, dataset)
        wanted = {"query": query, "tags": tagged, "problem": problem, "size": size, "shape": shape}
        ids = [each.id for each in _images(client, row, image, **wanted)]
        if original:
            changes = [ImageEdits(id=each, edits=None) for each in ids]
        elif ratio or borders:
            found = client.suggest_crops(row.id, ids, ratio, plain)
            changes = [ImageEdits(id=each.id, edits=each.edits) for each in found]
        else:
            changes = [ImageEdits(id=each, edits=plain) for each in ids]
        edited = []
        for part in client.edit_images(row.id, changes):
            edited += part.images
            output.note(f"{len(edited)} of {len(changes)} images")
    output.result(edited, lambda out: out.print(f"{len(edited)} images edited"))


def _ratio(aspect: str | None) -> float | None:
    if aspect is None:
        return None
    try:
        width, height = (float(side) for side in aspect.split(":"))
        return width / height
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidInput(f"“{aspect}” is no shape.", action="Write it as 4:5.", field="aspect") from error


@app.command()
def view(
    dataset: DatasetArgument,
    resolution: Annotated[int, typer.Option(help="What images are scaled to.")] = 512,
    batch_size: Annotated[int, typer.Option(min=1, help="Images looked at together.")] = 1,
    accumulation: Annotated[int, typer.Option(min=1, help="Batches added up before each step.")] = 1,
    held_out: Annotated[int, typer.Option(min=0, help="Images held out for the validation loss.")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the finetune.")] = 300,
    data: DataOption = None, json: JsonOption = False,
) -> None:  # fmt: skip
    """Show what the trainer will make of a dataset: buckets, cuts, steps per epoch."""
    output = Output(json)
    with open_studio(data, output) as studio:
        seen = studio.client.training_view(
            _dataset(studio.client, dataset).id, resolution=resolution, batch_size=batch_size,
            gradient_accumulation=accumulation, validation_images=held_out, steps=steps,
        )  # fmt: skip

    def render(out: Console) -> None:
        rows = [(f"{b.width}×{b.height}", b.image_count, b.seen_count) for b in seen.buckets]
        out.print(table(["bucket", "images", "seen each pass"], rows))
        out.print(
            facts(
                [
                    ("images each pass", seen.seen_per_epoch),
                    ("steps each pass", seen.steps_per_epoch),
                    ("passes", seen.epochs),
                ]
            )
        )
        for left in seen.left_out:
            out.print(f"{left.count}: {left.reason}", markup=False)

    output.result(seen, render)


@app.command()
def export(
    dataset: DatasetArgument,
    layout: Annotated[ExportLayout, typer.Option(help="How the ZIP is laid out.")] = "bfl",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The ZIP, or the folder it goes to.")] = None,
    data: DataOption = None, json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a dataset as a ZIP that other programs read, and that comes back with the same content."""
    output = Output(json)
    with open_studio(data, output) as studio:
        row = _dataset(studio.client, dataset)
        name = "".join(each if each.isalnum() or each in " -_." else "_" for each in row.name)
        target = out or Path(f"{name}-{layout}.zip")
        target = target / f"{name}-{layout}.zip" if target.is_dir() else target
        byte_count = studio.client.export_dataset(row.id, layout, target)
    result = {"file": str(target.absolute()), "byte_count": byte_count, "layout": layout}
    output.result(result, lambda screen: screen.print(str(target), markup=False))


@app.command()
def duplicate(dataset: DatasetArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Make a second dataset with the same images, captions and edits."""
    output = Output(json)
    with open_studio(data, output) as studio:
        made = studio.client.copy_dataset(_dataset(studio.client, dataset).id)
    output.result(made, lambda out: out.print(facts([("dataset", made.name), ("id", made.id)])))


@app.command()
def snapshots(dataset: DatasetArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """List what finetunes have seen of a dataset."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.snapshots(_dataset(studio.client, dataset).id)
    rows = [
        (each.hash[:12], each.image_count, ago(each.taken_at), ", ".join(use.name for use in each.used_by))
        for each in found.snapshots
    ]

    def render(out: Console) -> None:
        out.print(facts([("now", found.current_hash[:12])]))
        out.print(table(["snapshot", "images", "taken", "finetunes"], rows))

    output.result(found, render)


@app.command()
def diff(
    dataset: DatasetArgument,
    before: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The earlier one, by its hash.")],
    after: Annotated[str, typer.Argument(metavar="[SNAPSHOT]", help="The later one.")] = "now",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Say what has changed from one snapshot to another, or to the dataset as it is now."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.compare_snapshots(_dataset(studio.client, dataset).id, before, after)
    rows = [("added", each.name, "", each.caption) for each in found.added]
    rows += [("removed", each.name, each.caption, "") for each in found.removed]
    rows += _changed("caption", found.captions, lambda each: each.caption)
    rows += _changed("edited", found.edits, lambda each: each.edits.model_dump_json() if each.edits else "original")
    rows += _changed("repeats", found.repeats, lambda each: str(each.repeats))

    def render(out: Console) -> None:
        out.print(table(["what", "image", "before", "after"], rows))
        order = "; the order has changed" if found.is_order_changed else ""
        out.print(f"{found.same_count} images the same{order}")

    output.result(found, render)


def _changed(what: str, pairs: list[ImageDifference], tell: Any) -> list[tuple[str, str, str, str]]:
    def said(image: SnapshotImage) -> str:
        return str(tell(image))

    return [(what, pair.after.name, said(pair.before), said(pair.after)) for pair in pairs]


@app.command()
def delete(dataset: DatasetArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Put a dataset into the trash; `fluxtune dataset restore` takes it out."""
    output = Output(json)
    with open_studio(data, output) as studio:
        row = _dataset(studio.client, dataset)
        studio.client.delete_dataset(row.id)
    output.result({"id": row.id}, lambda out: out.print(f"“{row.name}” is in the trash: {row.id}", markup=False))


@app.command()
def restore(
    dataset: Annotated[str, typer.Argument(metavar="ID", help="Which dataset, by its id.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Take a dataset out of the trash."""
    output = Output(json)
    with open_studio(data, output) as studio:
        row = studio.client.restore_dataset(dataset)
    output.result(row, lambda out: out.print(f"“{row.name}” is back", markup=False))
