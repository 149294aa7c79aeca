"""`fluxtune hosted`: images made at BFL: keys, budget, ledger."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fluxtune.cli.exits import code_of_end
from fluxtune.cli.follow import follow_job
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, facts, print_problem, table
from fluxtune.cli.studio import open_studio
from fluxtune.core.errors import InvalidInput
from fluxtune.hosted.schemas import Budget, HostedAccount, LedgerLine, Region

app = typer.Typer(add_completion=False, help=COMMANDS["hosted"][1], no_args_is_help=True)
key_app = typer.Typer(help="Keys of accounts at BFL.", no_args_is_help=True)
app.add_typer(key_app, name="key")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called here.")]


class NoKeyGiven(InvalidInput):
    """Nothing was typed or piped."""

    title = "No key was given"
    action = "Type it when asked, or pipe it in: it is never an argument, which others could see."


def dollars(credits_: float | None) -> str:
    """Return credits as dollars: one credit is a US cent."""
    return "–" if credits_ is None else f"${credits_ / 100:,.3f}"


@app.command()
def status(data: DataOption = None, json: JsonOption = False) -> None:
    """Show accounts with their credits, what was spent, and the budget."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.hosted_status()
        accounts = studio.client.hosted_accounts()

    def render(out: Console) -> None:
        out.print(table(["key", "region", "server", "credits"], [_account_row(each) for each in accounts]))
        limits = found.budget
        out.print(
            facts(
                [
                    ("spent today", f"{dollars(found.spent_today)} of {dollars(limits.per_day)}"),
                    ("spent this month", f"{dollars(found.spent_this_month)} of {dollars(limits.per_month)}"),
                    ("limit for one request", dollars(limits.per_request)),
                    ("paid, not delivered", found.not_delivered),
                ]
            )
        )

    value = {**found.model_dump(mode="json"), "accounts": [each.model_dump(mode="json") for each in accounts]}
    output.result(value, render)


def _account_row(account: HostedAccount) -> tuple[str, ...]:
    left = f"{account.credits:,.2f}" if account.credits is not None else account.error.title if account.error else ""
    return account.key.name, account.key.region, account.key.server, left


@app.command()
def models(data: DataOption = None, json: JsonOption = False) -> None:
    """List hosted models: price of an image, and whether they are live."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.hosted_models()
    rows = [
        (
            each.id,
            each.title,
            f"retired {each.since}; use {each.replaced_by}" if each.stage == "retired" else each.stage,
            f"from {dollars(each.price)}" if each.price is not None else "",
            each.max_images or "",
        )
        for each in found
    ]
    output.result(found, lambda out: out.print(table(["id", "title", "stage", "an image", "images in"], rows)))


@app.command()
def ledger(
    not_delivered: Annotated[
        bool, typer.Option("--not-delivered", help="Only what was paid and did not come.")
    ] = False,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many lines, newest first.")] = 20,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole ledger there.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List paid requests, newest first."""
    output = Output(json)
    with open_studio(data, output) as studio:
        if csv is not None:
            studio.client.save_ledger(csv)
            output.note(f"Written to {csv}.")
        lines = studio.client.hosted_ledger(not_delivered=not_delivered, limit=count)
    rows = [_line_row(line) for line in lines]
    columns = ["id", "model", "state", "estimate", "cost", "generation", "asked for", "why"]
    output.result(lines, lambda out: out.print(table(columns, rows)))


def _line_row(line: LedgerLine) -> tuple[str, ...]:
    return (
        line.id,
        line.model_id,
        line.state,
        dollars(line.estimate),
        dollars(line.cost),
        line.generation_id,
        ago(line.created_at),
        line.error.title if line.error else "",
    )


@app.command()
def fetch(
    generation: Annotated[str, typer.Argument(metavar="GENERATION", help="Id from the ledger.")],
    send_again: Annotated[bool, typer.Option("--send-again", help="Pay once more for images that nobody has.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Fetch images of a generation that were paid and did not come."""
    output = Output(json)
    with open_studio(data, output, works=True) as studio:
        started = studio.client.retry_generation(generation, send_again=send_again)
        follow_job(studio.client, started.job_id, output, "Images")
        ended = studio.client.get_generation(generation)
    here = sum(slot.result is not None for slot in ended.slots)
    of = "image is" if len(ended.slots) == 1 else "images are"
    output.result(ended, lambda out: out.print(f"{here} of {len(ended.slots)} {of} here."))
    if ended.error and not json:
        print_problem(ended.error, False)
    code = code_of_end(ended.state, ended.error)
    if code:
        raise typer.Exit(code)


@app.command()
def budget(
    request: Annotated[float | None, typer.Option(min=0, help="Credits for one request; one is a US cent.")] = None,
    day: Annotated[float | None, typer.Option(min=0, help="Credits for a day (UTC).")] = None,
    month: Annotated[float | None, typer.Option(min=0, help="Credits for a month (UTC).")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all limits first.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show or set what may be spent; nothing is sent that would pass a limit."""
    output = Output(json)
    with open_studio(data, output) as studio:
        limits = Budget() if clear else studio.client.hosted_status().budget
        given = {"per_request": request, "per_day": day, "per_month": month}
        changes = {name: value for name, value in given.items() if value is not None}
        if changes or clear:
            limits = studio.client.set_hosted_budget(limits.model_copy(update=changes))
    rows = [
        ("one request", dollars(limits.per_request)),
        ("a day", dollars(limits.per_day)),
        ("a month", dollars(limits.per_month)),
    ]
    output.result(limits, lambda out: out.print(facts(rows)))


@key_app.command("add")
def add_key(
    name: NameArgument,
    region: Annotated[Region, typer.Option(help="Where it belongs; `server` is the one of the settings.")] = "global",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add a key: it is asked for or read from a pipe, tried at once, kept encrypted, and never shown again."""
    output = Output(json)
    secret = typer.prompt("Key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        raise NoKeyGiven()
    with open_studio(data, output) as studio:
        account = studio.client.add_hosted_key(name, secret.strip(), region)
    output.result(account, lambda out: out.print(f"{name} works; {account.credits:,.2f} credits are left."))


@key_app.command("list")
def list_keys(data: DataOption = None, json: JsonOption = False) -> None:
    """List keys: their names, never the keys."""
    output = Output(json)
    with open_studio(data, output) as studio:
        keys = studio.client.hosted_status().keys
    rows = [(key.name, key.region, key.server, key.source) for key in keys]
    output.result(keys, lambda out: out.print(table(["name", "region", "server", "from"], rows)))


@key_app.command("remove")
def remove_key(name: NameArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Forget a key."""
    output = Output(json)
    with open_studio(data, output) as studio:
        studio.client.remove_hosted_key(name)
    output.result({"removed": name}, lambda out: out.print(f"{name} is forgotten."))
