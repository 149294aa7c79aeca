"""`fluxtune caption`: write, change and look through the captions of a dataset."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from fluxtune.captioning.schemas import CaptionJobCreate, CaptionRun
from fluxtune.cli.dataset import find_dataset
from fluxtune.cli.exits import code_of_end
from fluxtune.cli.find import find
from fluxtune.cli.follow import follow_job
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, print_problem, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.datasets.caption_history.schemas import CaptionPreview, CaptionStep, StepRestored
from fluxtune.datasets.schemas import DatasetImage
from fluxtune.engine.config import Mode

app = typer.Typer(add_completion=False, help=COMMANDS["caption"][1], no_args_is_help=True)
endpoints = typer.Typer(
    add_completion=False, help="Servers that describe images, such as Ollama.", no_args_is_help=True
)
app.add_typer(endpoints, name="endpoint")

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Which dataset, by name or id.")]
Containing = Annotated[
    str | None, typer.Option("--where", metavar="WORDS", help="Only images with these words in caption or name.")
]
Images = Annotated[
    list[str] | None, typer.Option("--image", metavar="NAME", help="Only this image; can be given again.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Place = Literal["start", "end"]


def _chosen(client: Client, dataset_id: str, where: str | None, names: list[str] | None) -> list[str] | None:
    """Return the ids of the images that are meant, None for all."""
    if where is None and not names:
        return None
    wanted = (where or "").casefold().split()

    def has_words(image: DatasetImage) -> bool:
        return all(word in f"{image.caption} {image.name}".casefold() for word in wanted)

    found = client.dataset_images(dataset_id)
    if names:
        found = [find(found, name, "image", name=lambda each: each.name, id_=lambda each: each.id) for name in names]
    return [image.id for image in found if has_words(image)]


def _edit(
    dataset: str, edit: dict[str, Any], where: str | None, images: list[str] | None, dry_run: bool, output: Output,
    data: Any,
) -> None:  # fmt: skip
    with open_studio(data, output) as studio:
        row = find_dataset(studio.client, dataset)
        ids = _chosen(studio.client, row.id, where, images)
        result: CaptionPreview | CaptionStep
        if dry_run:
            result = studio.client.preview_captions(row.id, edit, ids)
        else:
            result = studio.client.edit_captions(row.id, edit, ids)
    output.result(result, _show_preview(result) if isinstance(result, CaptionPreview) else _show_step(result))


def _show_preview(preview: CaptionPreview) -> Callable[[Console], None]:
    def render(out: Console) -> None:
        out.print(table(["image", "before", "after"], [(c.name, c.before, c.after) for c in preview.changes]))
        out.print(f"{preview.title}: would change {preview.changed_count} of {preview.image_count}.", markup=False)

    return render


def _show_step(step: CaptionStep) -> Callable[[Console], None]:
    return lambda out: out.print(f"{step.title}: changed {step.changed_count}.", markup=False)


@app.command()
def replace(
    dataset: Dataset,
    search: Annotated[str, typer.Argument(metavar="FIND", help="What to look for.")],
    by: Annotated[str, typer.Argument(metavar="BY", help="What takes its place; empty removes it.")] = "",
    regex: Annotated[bool, typer.Option("--regex", help="FIND is a regular expression, as in Python.")] = False,
    case: Annotated[bool, typer.Option("--case", help="Upper and lower case as given.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Whole words only.")] = False,
    where: Containing = None,
    image: Images = None,
    dry_run: DryRun = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Find and replace in captions."""
    edit = {
        "kind": "replace", "find": search, "replace": by, "is_regex": regex, "match_case": case, "whole_words": words,
    }  # fmt: skip
    _edit(dataset, edit, where, image, dry_run, Output(json), data)


@app.command()
def add(
    dataset: Dataset,
    text: Annotated[str, typer.Argument(metavar="WORDS", help="What to add.")],
    end: Annotated[bool, typer.Option("--end", help="At the end instead of in front.")] = False,
    joint: Annotated[str, typer.Option(help="What stands between.")] = ", ",
    empty: Annotated[bool, typer.Option("--empty", help="Also where there is no caption.")] = False,
    where: Containing = None,
    image: Images = None,
    dry_run: DryRun = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Put words before or after captions."""
    edit = {"kind": "add", "text": text, "place": "end" if end else "start", "joint": joint, "fill_empty": empty}
    _edit(dataset, edit, where, image, dry_run, Output(json), data)


@app.command()
def trigger(
    dataset: Dataset,
    action: Annotated[Literal["insert", "move", "remove"], typer.Argument(help="What becomes of it.")] = "insert",
    end: Annotated[bool, typer.Option("--end", help="At the end instead of in front.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Also where there is no caption.")] = False,
    where: Containing = None,
    image: Images = None,
    dry_run: DryRun = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Insert, move or remove the dataset's trigger word."""
    edit = {"kind": "trigger", "action": action, "place": "end" if end else "start", "fill_empty": empty}
    _edit(dataset, edit, where, image, dry_run, Output(json), data)


@app.command()
def tag(
    dataset: Dataset,
    old: Annotated[str, typer.Argument(metavar="TAG", help="One of the parts between commas.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What to call it; empty removes it.")] = "",
    where: Containing = None,
    image: Images = None,
    dry_run: DryRun = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Rename or remove a tag."""
    _edit(dataset, {"kind": "tag", "tag": old, "replace": new}, where, image, dry_run, Output(json), data)


@app.command("set")
def set_(
    dataset: Dataset,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Which image, by name or id.")],
    caption: Annotated[str, typer.Argument(metavar="CAPTION", help="What it says; empty removes it.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Set the caption of one image."""
    output = Output(json)
    with open_studio(data, output) as studio:
        row = find_dataset(studio.client, dataset)
        entry = find(
            studio.client.dataset_images(row.id), image, "image", name=lambda each: each.name, id_=lambda each: each.id
        )
        saved = studio.client.set_caption(row.id, entry.id, caption)
    output.result(saved, lambda out: out.print(f"{saved.name}: {saved.caption}", markup=False))


@app.command()
def undo(dataset: Dataset, data: DataOption = None, json: JsonOption = False) -> None:
    """Take the last change to many captions back; what was changed since stays."""
    _restore(dataset, "undo", Output(json), data)


@app.command()
def redo(dataset: Dataset, data: DataOption = None, json: JsonOption = False) -> None:
    """Do the change again that was undone last."""
    _restore(dataset, "redo", Output(json), data)


def _restore(dataset: str, what: Literal["undo", "redo"], output: Output, data: Any) -> None:
    with open_studio(data, output) as studio:
        row = find_dataset(studio.client, dataset)
        result: StepRestored = getattr(studio.client, f"{what}_captions")(row.id)
    kept = f" {result.kept_count} were changed since and stay." if result.kept_count else ""
    said = f"{result.step.title}: {result.step.state}, {result.changed_count} changed.{kept}"
    output.result(result, lambda out: out.print(said, markup=False))


@app.command()
def history(
    dataset: Dataset,
    image: Annotated[str | None, typer.Option(metavar="NAME", help="What the caption of this image was.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List the changes to many captions, or what one caption was and who wrote it."""
    output = Output(json)
    with open_studio(data, output) as studio:
        row = find_dataset(studio.client, dataset)
        if image is None:
            steps = studio.client.caption_steps(row.id)
            rows = [(ago(s.created_at), s.title, s.changed_count, s.state) for s in steps.steps]
            output.result(steps, lambda out: out.print(table(["when", "what", "changed", "state"], rows)))
            return
        entry = find(
            studio.client.dataset_images(row.id), image, "image", name=lambda each: each.name, id_=lambda each: each.id
        )
        versions = studio.client.caption_versions(row.id, entry.id)
    lines = [(v.at and ago(v.at), v.caption, v.caption_source or v.caption_by, v.step_title) for v in versions]
    output.result(versions, lambda out: out.print(table(["when", "caption", "by", "step"], lines)))


@app.command()
def words(
    dataset: Dataset,
    tags: Annotated[bool, typer.Option("--tags", help="Parts between commas instead of words.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 40,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Count in how many captions each word or tag is."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.caption_frequencies(find_dataset(studio.client, dataset).id)
    rows = [(each.count, each.text) for each in (found.tags if tags else found.words)[:limit]]
    output.result(found, lambda out: out.print(table(["captions", "tag" if tags else "word"], rows)))


@app.command()
def write(
    dataset: Dataset,
    captioner: Annotated[
        str, typer.Option("--by", metavar="CAPTIONER", help="Who writes: `pocket`, `model`, or a server's name.")
    ] = "pocket",
    model: Annotated[
        str | None, typer.Option(metavar="NAME|DIR", help="With `--by model`: a folder or a downloaded model.")
    ] = None,
    over: Annotated[
        Literal["empty", "auto", "all"],
        typer.Option(help="Only missing captions, also automatic ones, or all, typed ones too."),
    ] = "empty",
    prompt: Annotated[str | None, typer.Option(help="What to ask instead of the mode's prompt.")] = None,
    no_trigger: Annotated[bool, typer.Option("--no-trigger", help="Don't put the trigger word in front.")] = False,
    where: Containing = None,
    image: Images = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Let a captioner write captions, and wait for its end. Typed captions stay unless `--over all`."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        client = studio.client
        row = find_dataset(client, dataset)
        ids = _chosen(client, row.id, where, image)
        counts = client.count_captions(row.id, ids)
        output.note(
            f"{counts.image_count} images: {counts.empty_count} without a caption, {counts.auto_count} automatic, "
            f"{counts.imported_count} from files, {counts.typed_count} typed."
        )
        request = CaptionJobCreate(
            captioner=_captioner_id(client, captioner), model=model, scope=over, prompt=prompt,
            insert_trigger=not no_trigger, dataset_image_ids=ids,
        )  # fmt: skip
        started = client.write_captions(row.id, request)
        follow_job(client, started.job.id, output, "Captions")
        run: CaptionRun = next(each for each in client.caption_runs(row.id) if each.job.id == started.job.id)
    output.result(run, lambda out: _render_run(run, out))
    if run.job.state != "succeeded":
        if run.job.error is not None and not json:
            print_problem(run.job.error, False)
        raise typer.Exit(code_of_end(run.job.state, run.job.error))


def _captioner_id(client: Client, wanted: str) -> str:
    return find(client.captioners(), wanted, "captioner", name=lambda each: each.name, id_=lambda each: each.id).id


def _render_run(run: CaptionRun, out: Console) -> None:
    out.print(f"{run.step.title}: {run.step.changed_count} captions.", markup=False)
    if run.step.notes:
        out.print(table(["without a caption", "why"], [(note.name, note.reason) for note in run.step.notes]))


@app.command()
def cancel(dataset: Dataset, data: DataOption = None, json: JsonOption = False) -> None:
    """Cancel the captioner at work; what it wrote stays."""
    output = Output(json)
    with open_studio(data, output) as studio:
        job = studio.client.cancel_captions(find_dataset(studio.client, dataset).id)
    said = "cancelled" if job.state == "cancelled" else "ends in a moment"
    output.result(job, lambda out: out.print(f"{job.title}: {said}.", markup=False))


@app.command()
def captioners(data: DataOption = None, json: JsonOption = False) -> None:
    """List what can write captions."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.captioners()
    rows = [(each.id, each.name, "ready" if each.is_ready else each.reason, each.what) for each in found]
    output.result(found, lambda out: out.print(table(["id", "name", "state", "what"], rows)))


@app.command()
def prompt(
    mode: Annotated[Mode | None, typer.Argument(help="Of which kind of dataset.")] = None,
    text: Annotated[str | None, typer.Argument(help="Ask this instead; empty brings the usual back.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show or change what captioners are asked for each kind of dataset."""
    output = Output(json)
    with open_studio(data, output) as studio:
        if mode is not None and text is not None:
            studio.client.set_caption_prompt(mode, text)
        found = [each for each in studio.client.caption_prompts() if mode in (None, each.mode)]
    output.result(found, lambda out: out.print(table(["mode", "prompt"], [(each.mode, each.text) for each in found])))


@endpoints.command("list")
def list_endpoints(data: DataOption = None, json: JsonOption = False) -> None:
    """List the servers that may be asked for captions."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.caption_endpoints()
    rows = [(each.name, each.url, each.model, "yes" if each.has_key else "no") for each in found]
    output.result(found, lambda out: out.print(table(["name", "address", "model", "key"], rows)))


@endpoints.command("add")
def add_endpoint(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="As in http://localhost:11434/v1.")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model that sees images, such as qwen2.5vl.")],
    key: Annotated[
        str, typer.Option(envvar="FLUXTUNE_CAPTION_KEY", help="Its key, better given in the environment.")
    ] = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add a server that speaks OpenAI's chat completions; its key is kept encrypted."""
    output = Output(json)
    with open_studio(data, output) as studio:
        added = studio.client.add_caption_endpoint(name, url, model, key)
    output.result(added, lambda out: out.print(f"{added.name}: {added.model} at {added.url}", markup=False))


@endpoints.command("remove")
def remove_endpoint(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which one.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Forget a server and its key."""
    output = Output(json)
    with open_studio(data, output) as studio:
        studio.client.remove_caption_endpoint(name)
    output.result({"removed": name}, lambda out: out.print(f"{name} is removed.", markup=False))
