"""`fluxtune admin quota`: what people may use."""

from typing import Annotated, Any

import typer

from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, table
from fluxtune.cli.studio import open_studio
from fluxtune.core.errors import NotFound
from fluxtune.quotas.schemas import Limits, PersonQuota, Quotas

EVERYBODY = "everybody"
GB = 1_000_000_000

app = typer.Typer(add_completion=False, help="What people may use, and have used.", no_args_is_help=True)


class NobodyCalled(NotFound):
    """No person has this name or id."""

    title = "There is no such person"
    action = "`fluxtune admin quota list` shows all."


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List what each person has used of what they may."""
    output = Output(json)
    with open_studio(data, output) as studio:
        quotas = studio.client.quotas()
    names = ["person", "images today", "finetunes now", "this month", "storage", "hosted this month"]
    rows = [(EVERYBODY, *_shown(quotas.everybody)), *((each.name, *_used(each)) for each in quotas.people)]
    output.result(quotas, lambda out: out.print(table(names, rows)))


@app.command("set")
def set_(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help=f"The name or id of a person, or “{EVERYBODY}”.", show_default=False)
    ],
    images_per_day: Annotated[str | None, typer.Option(metavar="N", help="Images begun in a day.")] = None,
    finetunes_at_once: Annotated[str | None, typer.Option(metavar="N", help="Finetunes under way at once.")] = None,
    finetunes_per_month: Annotated[str | None, typer.Option(metavar="N", help="Finetunes begun in a month.")] = None,
    storage_gb: Annotated[str | None, typer.Option(metavar="GB", help="Images, models and checkpoints.")] = None,
    hosted_usd_per_month: Annotated[str | None, typer.Option(metavar="USD", help="Hosted images in a month.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Set limits: a number, `none` for no limit, `usual` for as everybody. What is not named stays as it is."""
    output = Output(json)
    given = {
        "images_per_day": images_per_day,
        "finetunes_at_once": finetunes_at_once,
        "finetunes_per_month": finetunes_per_month,
        "storage_bytes": storage_gb,
        "hosted_usd_per_month": hosted_usd_per_month,
    }
    with open_studio(data, output) as studio:
        quotas = studio.client.quotas()
        if person == EVERYBODY:
            common = studio.client.set_common_quota(_changed(quotas.everybody.model_dump(exclude_none=True), given))
            output.result(common, lambda out: out.print(_words(EVERYBODY, _shown(common)), markup=False))
            return
        found = _find(quotas, person)
        after = studio.client.set_quota(found.person_id, _changed(found.own, given))
        output.result(after, lambda out: out.print(_words(after.name, _shown(after.limits)), markup=False))


def _find(quotas: Quotas, person: str) -> PersonQuota:
    named = [each for each in quotas.people if person in (each.person_id, each.name)]
    if len(named) != 1:
        raise NobodyCalled(
            f"{len(named)} people are called “{person}”; give the id." if named else f"Nobody is called “{person}”."
        )
    return named[0]


def _changed(before: dict[str, Any], given: dict[str, str | None]) -> Limits:
    values = dict(before)
    for name, text in given.items():
        if text == "usual":
            values.pop(name, None)
        elif text == "none":
            values[name] = None
        elif text is not None:
            values[name] = _number(name, text)
    return Limits.model_validate(values)


def _number(name: str, text: str) -> float | int:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise typer.BadParameter(f"“{text}” is no number; give one, `none` or `usual`.")
    if name == "storage_bytes":
        return round(value * GB)
    if name == "hosted_usd_per_month":
        return value
    if value != int(value):
        raise typer.BadParameter(f"“{text}” is no whole number.")
    return int(value)


def _shown(limits: Limits) -> list[str]:
    storage, dollars = limits.storage_bytes, limits.hosted_usd_per_month
    counts = (limits.images_per_day, limits.finetunes_at_once, limits.finetunes_per_month)
    return [
        *("no limit" if count is None else str(count) for count in counts),
        "no limit" if storage is None else f"{storage / GB:.1f} GB",
        "no limit" if dollars is None else f"${dollars:.2f}",
    ]


def _used(person: PersonQuota) -> list[str]:
    usage = person.usage
    used = [
        str(usage.images_per_day),
        str(usage.finetunes_at_once),
        str(usage.finetunes_per_month),
        f"{usage.storage_bytes / GB:.1f} GB",
        f"${usage.hosted_usd_per_month:.2f}",
    ]
    limits = _shown(person.limits)
    return [one if limit == "no limit" else f"{one} of {limit}" for one, limit in zip(used, limits, strict=True)]


def _words(name: str, limits: list[str]) -> str:
    kinds = ("images a day", "finetunes at once", "finetunes a month", "storage", "hosted images a month")
    return f"{name}: " + ", ".join(f"{kind} {limit}" for kind, limit in zip(kinds, limits, strict=True)) + "."
