"""What the studio tells of hosted images: models, accounts, budget, ledger."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backends.bfl.endpoints import ENDPOINTS, PREFIX, UPSAMPLING, Endpoint, is_advanced
from fluxtune.config import Settings
from fluxtune.core.errors import FluxtuneError, Problem
from fluxtune.flags import service as flags
from fluxtune.flags.registry import FlagName
from fluxtune.hosted import ledger, repository
from fluxtune.hosted.keys import KeyService, open_client
from fluxtune.hosted.ledger import PER_CREDIT
from fluxtune.hosted.schemas import Budget, HostedAccount, HostedModel, HostedStatus, LedgerLine, LedgerPage, LineState
from fluxtune.hosted.tables import HostedBudgetRow, LedgerRow

CSV_COLUMNS = (
    "id", "created_at", "sent_at", "ended_at", "state", "model_id", "key_name", "estimate_credits", "cost_credits",
    "is_settled", "task_id", "generation_id", "slot", "attempt", "image_id", "error",
)  # fmt: skip
_CSV_PART = 500


def list_models(session: Session) -> list[HostedModel]:
    """Return every endpoint there is or was, as far as features that are on for `acting()` have use for it.

    What is not on is left out of the parameters, so that no form shows it.
    """
    on = frozenset(flags.list_on(session))
    return [_to_model(endpoint, on) for endpoint in ENDPOINTS if _is_shown(endpoint, on)]


def _is_shown(endpoint: Endpoint, on: frozenset[FlagName]) -> bool:
    return (
        "hosted-backends" in on
        and ("experimental-endpoints" in on or endpoint.lifecycle.stage != "beta")
        and ("image-prompts" in on or not endpoint.needs_image)
        and ("high-resolution" in on or not endpoint.is_always_large)
    )


def _form(endpoint: Endpoint, on: frozenset[FlagName]) -> dict[str, Any] | None:
    """Return the JSON schema of what an endpoint takes, without what is switched off."""
    if endpoint.parameters is None:
        return None
    schema = endpoint.parameters.model_json_schema()
    hidden = {name for name in endpoint.image_fields if "image-prompts" not in on}
    if "prompt-upsampling" not in on:
        hidden |= UPSAMPLING
    if "advanced-parameters" not in on:
        hidden |= {name for name in schema["properties"] if is_advanced(endpoint, name)}
    schema["properties"] = {name: value for name, value in schema["properties"].items() if name not in hidden}
    return schema


class HostedService:
    """Status, budget and ledger."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self.keys = KeyService(session, settings)

    def get_status(self) -> HostedStatus:
        """Return keys, budget and what was spent. Asks nobody."""
        so_far = ledger.spent(self._session)
        return HostedStatus(
            keys=self.keys.list_keys(),
            budget=self.get_budget(),
            spent_today=so_far.today / PER_CREDIT,
            spent_this_month=so_far.this_month / PER_CREDIT,
            not_delivered=repository.count_lines(self._session, ledger.OWED),
        )

    def list_accounts(self) -> list[HostedAccount]:
        """Ask the server of every key how many credits are left."""
        accounts: list[HostedAccount] = []
        for key in self.keys.list_keys():
            try:
                with open_client(self._settings, self.keys.open(key.name)) as client:
                    accounts.append(HostedAccount(key=key, credits=client.credits(), error=None))
            except FluxtuneError as error:
                accounts.append(HostedAccount(key=key, credits=None, error=error.problem()))
        return accounts

    def get_budget(self) -> Budget:
        """Return the limits."""
        row = repository.find_budget(self._session)
        if row is None:
            return Budget()
        return Budget(
            per_request=_credits(row.per_request), per_day=_credits(row.per_day), per_month=_credits(row.per_month)
        )

    def set_budget(self, budget: Budget) -> Budget:
        """Replace the limits."""
        before = self.get_budget()
        row = repository.find_budget(self._session)
        if row is None:
            row = HostedBudgetRow(id=1)
            repository.add(self._session, row)
        row.per_request, row.per_day, row.per_month = (
            None if value is None else ledger.to_units(value)
            for value in (budget.per_request, budget.per_day, budget.per_month)
        )
        after = self.get_budget()
        if after != before:
            facts = before.model_dump(), after.model_dump()
            audit.record(self._session, "budget.changed", "budget", "hosted", *facts, name="Hosted budget")
        return after

    def list_lines(self, state: LineState | None, before: str | None, limit: int) -> LedgerPage:
        """Return a page of the ledger, newest first."""
        rows = repository.list_lines(self._session, None if state is None else [state], before, limit + 1)
        return _to_page(rows, limit)

    def list_not_delivered(self, before: str | None, limit: int) -> LedgerPage:
        """Return what may have been paid and was not delivered, newest first."""
        rows = repository.list_lines(self._session, ledger.OWED, before, limit + 1, sent_only=True)
        return _to_page(rows, limit)

    def write_csv(self) -> Iterator[str]:
        """Yield the whole ledger as CSV, oldest first, some hundred lines at a time."""
        part = [_csv_line(CSV_COLUMNS)]
        for row in repository.iterate(self._session):
            line = to_line(row)
            error = line.error.title if line.error else ""
            values = {
                **line.model_dump(mode="json"),
                "estimate_credits": line.estimate,
                "cost_credits": line.cost,
                "error": error,
            }
            part.append(_csv_line(["" if values[name] is None else str(values[name]) for name in CSV_COLUMNS]))
            if len(part) >= _CSV_PART:
                yield "".join(part)
                part = []
        yield "".join(part)


def to_line(row: LedgerRow) -> LedgerLine:
    """Return a line as the API shows it."""
    return LedgerLine.model_validate(
        {
            "id": row.id,
            "generation_id": row.target_id,
            "slot": row.slot,
            "attempt": row.attempt,
            "key_name": row.key_name,
            "model_id": PREFIX + row.endpoint,
            "state": row.state,
            "estimate": row.estimate / PER_CREDIT,
            "cost": _credits(row.cost),
            "is_settled": row.is_settled,
            "task_id": row.task_id,
            "image_id": row.image_id,
            "error": Problem.model_validate(row.error) if row.error else None,
            "created_at": row.created_at,
            "sent_at": row.sent_at,
            "ended_at": row.ended_at,
        }
    )


def _credits(units: int | None) -> float | None:
    return None if units is None else units / PER_CREDIT


def _to_page(rows: list[LedgerRow], limit: int) -> LedgerPage:
    shown = rows[:limit]
    return LedgerPage(
        lines=[to_line(row) for row in shown], next_before=shown[-1].id if len(rows) > limit and shown else None
    )


def _csv_line(values: Sequence[str]) -> str:
    buffer = io.StringIO()
    # A task's number comes from a server; a spreadsheet would take one that starts like a formula for one.
    safe = [f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value for value in values]
    csv.writer(buffer, lineterminator="\r\n").writerow(safe)
    return buffer.getvalue()


def _to_model(endpoint: Endpoint, on: frozenset[FlagName]) -> HostedModel:
    price, life = endpoint.price, endpoint.lifecycle
    return HostedModel(
        id=endpoint.model_id,
        title=endpoint.title,
        description=endpoint.description,
        stage=life.stage,
        since=life.since,
        replaced_by=PREFIX + life.replaced_by if life.replaced_by else None,
        note=life.note,
        parameters=_form(endpoint, on),
        image_fields=list(endpoint.image_fields) if "image-prompts" in on else [],
        max_images=endpoint.max_images if "image-prompts" in on else 0,
        needs_image=endpoint.needs_image,
        has_seed=endpoint.has_seed,
        takes_finetune=endpoint.takes_finetune,
        price=price.least if price else None,
        price_confidence=price.confidence if price else None,
        price_source=price.source if price else "",
    )
