"""`fluxtune model link`, `lookup`, `unlink`, `parity`, `add`, `deployed` and `at-bfl`: models at BFL."""

from typing import Annotated

import typer
from rich.console import Console

from fluxtune.cli.exits import code_of_end
from fluxtune.cli.find import find
from fluxtune.cli.follow import follow_job
from fluxtune.cli.hosted import dollars
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, facts, print_problem, table
from fluxtune.cli.studio import open_studio
from fluxtune.client import Client
from fluxtune.core.errors import InvalidInput
from fluxtune.deployments.schemas import Parity
from fluxtune.models.schemas import Model

ModelArgument = Annotated[str, typer.Argument(metavar="NAME|ID", help="Which model.")]
KeyOption = Annotated[str | None, typer.Option("--key", metavar="NAME", help="Which key asks and pays.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before money is spent.")]


class NotAgreed(InvalidInput):
    """Nobody said yes to the price."""

    title = "Nothing was spent"
    action = "Say yes when asked, or give --yes."


def finetuned(client: Client, wanted: str) -> Model:
    """Return the finetuned model with this name or id."""
    models = client.models(kind="finetuned")
    return find(models, wanted, "model", name=lambda each: each.name, id_=lambda each: each.id)


def show_link(model: Model, screen: Console) -> None:
    """Print where a model is at BFL."""
    link = model.deployment
    if link is None:
        screen.print(f"“{model.name}” is not linked.", markup=False)
        return
    screen.print(
        facts(
            [
                ("model", model.name),
                ("name at BFL", link.finetune_id),
                ("drawn with", link.hosted_model_id),
                ("state", f"{link.state} since {ago(link.since)}"),
                ("last asked", ago(link.checked_at) if link.checked_at else "never"),
                ("", link.told),
                *((name, value) for name, value in link.details.items()),
            ]
        )
    )


def link(
    model: ModelArgument,
    name: Annotated[str, typer.Argument(metavar="FINETUNE_ID", help="What the Dashboard calls it.")],
    endpoint: Annotated[
        str, typer.Option(metavar="ID", help="Which endpoint draws with it; that of the base when not given.")
    ] = "",
    key: KeyOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a model is called at BFL, so that it can be drawn there."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = finetuned(studio.client, model)
        linked = studio.client.link_model(found.id, name, endpoint=endpoint, key_name=key)
    output.result(linked, lambda screen: show_link(linked, screen))


def unlink(model: ModelArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Forget what a model is called at BFL; there nothing changes."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = finetuned(studio.client, model)
        studio.client.unlink_model(found.id)
        after = studio.client.get_model(found.id)
    output.result(after, lambda screen: show_link(after, screen))


def lookup(
    model: ModelArgument,
    draw: Annotated[
        bool, typer.Option("--draw", help="Draw one small image there, where BFL does not tell; it is paid.")
    ] = False,
    yes: YesOption = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Ask BFL whether it knows a model; free of charge."""
    output = Output(json)
    with open_studio(data, output, works=draw) as studio:
        found = studio.client.look_up_model(finetuned(studio.client, model).id)
        if draw and found.deployment is not None and found.deployment.state != "found":
            _agree(found.deployment.price or 0.0, yes)
            started = studio.client.probe_model(found.id)
            follow_job(studio.client, started.job_id, output, "Image")
            found = studio.client.look_up_model(found.id)
    output.result(found, lambda screen: show_link(found, screen))


def add(
    name: Annotated[str, typer.Argument(metavar="FINETUNE_ID", help="What the Dashboard calls it.")],
    endpoint: Annotated[str, typer.Option(metavar="ID", help="Which endpoint draws with it, as in `hosted models`.")],
    title: Annotated[str, typer.Option("--name", help="What to call it here; what BFL says when not given.")] = "",
    trigger: Annotated[str, typer.Option(help="Its trigger word; what BFL says when not given.")] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Also when BFL does not list it.")] = False,
    key: KeyOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add a finetune that lives at BFL only, by its name there; it is drawn there."""
    output = Output(json)
    with open_studio(data, output) as studio:
        made = studio.client.add_hosted_model(
            name, endpoint, name=title, trigger_word=trigger, anyway=anyway, key_name=key
        )
    output.result(made, lambda screen: show_link(made, screen))


def deployed(data: DataOption = None, json: JsonOption = False) -> None:
    """List models that have a name at BFL, the newest link first; asks nobody."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.deployed_models()
    rows = [(each.finetune_id, each.name, each.trigger_word, each.hosted_model_id) for each in found]
    output.result(
        found, lambda screen: screen.print(table(["name at BFL", "model", "trigger word", "drawn with"], rows))
    )


def at_bfl(key: KeyOption = None, data: DataOption = None, json: JsonOption = False) -> None:
    """Ask BFL which finetunes an account has, and say which of them are models here; free of charge."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.finetunes_at_bfl(key)
        linked = {each.finetune_id: each.name for each in studio.client.deployed_models()}
    rows = [(name, linked.get(name)) for name in found.names or ()]

    def show(screen: Console) -> None:
        if rows:
            screen.print(table(["name at BFL", "model here"], rows))
        else:
            screen.print(found.told, markup=False)

    output.result(found, show)


def parity(
    model: ModelArgument,
    prompt: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What to draw; the model's own when not given.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=4, help="Images of each prompt.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same in both places.")] = 1,
    strength: Annotated[float, typer.Option(min=0, max=2, help="How strongly the model acts.")] = 1.0,
    yes: YesOption = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Draw the same prompts and seeds here and at BFL, and say how far they lie apart."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        found = finetuned(studio.client, model)
        wish = {"prompts": prompt or [], "count": count, "seed": seed, "strength": strength}
        price = studio.client.estimate_parity(found.id, **wish)
        for warning in price.warnings:
            output.note(warning)
        _agree(price.credits, yes)
        started = studio.client.start_parity(found.id, **wish)
        for number, generation_id in enumerate(started.generation_ids):
            where = "At BFL" if number % 2 else "Here"
            follow_job(studio.client, studio.client.get_generation(generation_id).job_id, output, where)
        ended = studio.client.get_parity(found.id, started.id)
    output.result(ended, lambda screen: _show_parity(ended, screen))
    if ended.error and not json:
        print_problem(ended.error, False)
    code = code_of_end(ended.state, ended.error)
    if code:
        raise typer.Exit(code)


def _show_parity(ended: Parity, screen: Console) -> None:
    rows = [
        (each.prompt, each.seed, each.here.image.id if each.here else "", each.there.image.id if each.there else "",
         each.says)
        for each in ended.pairs
    ]  # fmt: skip
    screen.print(table(["prompt", "seed", "here", "at BFL", ""], rows))
    for text in ended.differences:
        screen.print(f"- {text}", markup=False, soft_wrap=True)
    screen.print(f"It cost {dollars(ended.cost)}.")


def _agree(credits_: float, yes: bool) -> None:
    """Go on when the price is agreed to; raise NotAgreed."""
    if not yes and not typer.confirm(f"This costs about {dollars(credits_)} at BFL. Go on?", err=True):
        raise NotAgreed("It was not agreed to.")
