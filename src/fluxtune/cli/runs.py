"""What the commands about finetunes have in common: find one, read settings, follow it to its end, draw it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from fluxtune.cli.dataset import find_dataset
from fluxtune.cli.exits import code_of_end
from fluxtune.cli.find import find
from fluxtune.cli.follow import follow_job, pause_reason
from fluxtune.cli.output import Output, duration, facts, print_problem, size
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import FieldProblem, InvalidInput, NotFound
from fluxtune.engine.config import Recipe
from fluxtune.finetunes.schemas import Finetune, FinetunePlan
from fluxtune.recipes.checks import RecipeInvalid
from fluxtune.recipes.text import read_value

FinetuneArgument = Annotated[str, typer.Argument(metavar="NAME|ID", help="Which finetune.")]


def find_finetune(client: Client, wanted: str) -> Finetune:
    """Return the finetune with this name or id."""
    return find(client.finetunes(), wanted, "finetune", name=lambda each: each.name, id_=lambda each: each.id)


def read_settings(pairs: list[str]) -> dict[str, Any]:
    """Return recipe settings from `key=value` words, read as YAML, so numbers and lists work; name all that are wrong.

    Whether values are in range is for the studio to say.
    """
    settings: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for pair in pairs:
        key, equals, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or key not in Recipe.model_fields:
            message = f"a recipe has no setting “{key}”." if equals else "the form is key=value."
            problems.append(FieldProblem(field=key, message=f"--set {pair}: {message}"))
            continue
        try:
            settings[key] = read_value(value)
        except yaml.YAMLError:
            problems.append(FieldProblem(field=key, message=f"--set {pair}: the value can't be read."))
    if problems:
        error = RecipeInvalid(problems)
        error.action = "`fluxtune finetune settings` lists all settings of a recipe."
        raise error
    return settings


def read_recipe_file(file: Path) -> str:
    """Return the text of a recipe document; `-` is stdin."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", title="No such recipe", action="Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} can't be read as text.", field="recipe", technical=str(error)) from error


def build_request(
    client: Client,
    dataset: str | None,
    template: str | None,
    text: str | None,
    own: dict[str, Any],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Return the body of a start: what was given as options goes before the document, that before the template."""
    request: dict[str, Any] = {}
    if template is not None:
        chosen = find(client.templates(), template, "template", name=lambda each: each.name, id_=lambda each: each.id)
        request["template_id"] = chosen.id
    if text is not None:
        document = client.read_recipe(text)
        request |= document.model_dump(mode="json", exclude_none=True, exclude={"fluxtune", "dataset"})
        dataset = dataset or document.dataset
    request |= {key: value for key, value in own.items() if value is not None}
    request["recipe"] = {**request.get("recipe", {}), **settings}
    if dataset is None:
        raise InvalidInput(
            "Neither --dataset nor a recipe says which dataset to learn from.",
            action="Give --dataset, or name one in the recipe as `dataset: NAME`.",
            field="dataset",
        )
    return request | {"dataset_id": find_dataset(client, dataset).id}


def follow_finetune(client: Client, finetune: Finetune, output: Output) -> None:
    """Follow to the end, print the result, and exit with what the end means."""
    try:
        last = follow_job(client, finetune.job_id, output, finetune.name)
    except KeyboardInterrupt:
        output.warn(f"The run is safe and goes on when a studio runs: fluxtune finetune watch {finetune.id}")
        raise
    ended = client.get_finetune(finetune.id)
    output.result(ended, lambda out: render_finetune(ended, out))
    if ended.error and not output.as_json:
        print_problem(ended.error, False)
    code = code_of_end(ended.state, ended.error, pause_reason(last))
    if code:
        raise typer.Exit(code)


def act(finetune: str, action: Callable[[Client, str], Finetune], data: Path | None, json: bool) -> None:
    """Do something to a finetune and show it."""
    output = Output(json)
    with open_studio(data, output) as studio:
        changed = action(studio.client, find_finetune(studio.client, finetune).id)
    output.result(changed, lambda out: render_finetune(changed, out))


def plan_line(plan: FinetunePlan) -> str:
    """Return the plan of a finetune in one line."""
    if plan.server is not None:
        return f"{plan.image_count} images, {plan.recipe.steps} steps ({plan.epochs:.0f} times each), at {plan.server}"
    return (
        f"{plan.image_count} images, {plan.recipe.steps} steps ({plan.epochs:.0f} times each): "
        f"{duration(plan.seconds.low)} to {duration(plan.seconds.high)}, "
        f"{size(plan.memory_bytes.low)} to {size(plan.memory_bytes.high)} of memory, {size(plan.disk_bytes)} of disk"
    )


def render_plan(plan: FinetunePlan, out: Console) -> None:
    """Print what a finetune would do and need, and what to change when it does not fit."""
    out.print(plan_line(plan), markup=False)
    if not plan.fits:
        out.print("It does not fit on this computer.", markup=False)
    if plan.waits_behind:
        jobs = "another job" if plan.waits_behind == 1 else f"{plan.waits_behind} other jobs"
        out.print(f"It waits behind {jobs}.", markup=False)
    for warning in plan.warnings:
        out.print(f"! {warning}", markup=False)
    for suggestion in plan.suggestions:
        words = " ".join(f"--set {name}={value}" for name, value in suggestion.recipe.items())
        out.print(f"→ {suggestion.title}: {suggestion.detail} ({words})", markup=False)


def render_finetune(finetune: Finetune, out: Console) -> None:
    """Print what is known of a finetune."""
    parent = f"{finetune.parent_id} at step {finetune.parent_step}" if finetune.parent_id else None
    took = None
    if finetune.started_at and finetune.finished_at:
        took = duration((finetune.finished_at - finetune.started_at).total_seconds())
    out.print(
        facts(
            [
                ("finetune", finetune.name),
                ("id", finetune.id),
                ("state", _state(finetune)),
                ("at", finetune.server_name),
                ("waits for", finetune.waiting_for),
                ("step", f"{finetune.step} of {finetune.steps}"),
                ("time left", duration(finetune.eta_s) if finetune.eta_s is not None else None),
                ("loss", f"{finetune.loss:.4f}" if finetune.loss is not None else None),
                ("pace", f"{finetune.seconds_per_step:.2f} s/step" if finetune.seconds_per_step else None),
                ("peak memory", size(finetune.peak_memory_bytes) if finetune.peak_memory_bytes else None),
                ("took", took),
                ("dataset", f"{finetune.dataset_name} ({finetune.image_count} images)"),
                ("base", finetune.base),
                ("mode", f"{finetune.mode}, {finetune.quality}"),
                ("trigger word", finetune.trigger_word),
                ("model", finetune.model_id),
                ("goes on from", parent),
                ("healed", "; ".join(healing.message for healing in finetune.healings)),
                ("webhook", _webhook(finetune)),
            ]
        )
    )


def _state(finetune: Finetune) -> str:
    if finetune.state == "running":
        return f"running ({finetune.phase})"
    if finetune.state == "paused" and finetune.paused_because == "disk-full":
        return "paused (the disk is full)"
    return f"{finetune.state} (its model is still loaded)" if finetune.is_loaded else finetune.state


def _webhook(finetune: Finetune) -> str | None:
    told = finetune.webhook
    if told is None:
        return finetune.webhook_url
    words = {"waiting": "not delivered yet", "delivered": "delivered", "given-up": "given up"}[told.state]
    return f"{finetune.webhook_url}: {words}" + (f" ({told.last_error})" if told.last_error else "")
