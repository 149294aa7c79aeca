"""The ledger: what was asked, what it costs, and what became of it. Every change is one short transaction.

reserved → (sent_at) → submitted → ready → delivered, and from each of them failed. `unknown` is a line whose request
left and whose answer never came; only the user may have it sent again, as a new line.

What must survive a power cut is committed durably (`Database.transaction`): that a line leaves, before it does, or it
would be paid again; its task, or nobody could fetch the image; and that the image is kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from fluxtune.backends.bfl.answers import Accepted
from fluxtune.backends.bfl.endpoints import ACTIVE_TASKS, Endpoint, find_endpoint
from fluxtune.backends.bfl.errors import AcceptanceUnknown
from fluxtune.core.actor import acting
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, NotFound, Problem
from fluxtune.core.ids import new_id
from fluxtune.hosted import repository
from fluxtune.hosted.tables import OWN_SERVER, LedgerRow
from fluxtune.quotas import service as quotas

PER_CREDIT = 1000
OPEN = ("reserved", "submitted", "ready")
OWED = ("submitted", "ready", "unknown")
"""States of what may have been paid and was not delivered."""
_TASK_LIVES = timedelta(hours=1)
_ANSWER_COMES = timedelta(minutes=3)
"""More than any answer to a request takes."""
_MAYBE_AT_WORK = timedelta(minutes=1)
"""A request whose answer never came may be at work for so long; most images take seconds."""


class LineMissing(NotFound):
    """The ledger has no such line."""

    title = "No such line in the ledger"


class BudgetReached(Conflict):
    """A limit the user has set would be passed."""

    title = "The budget does not allow this"
    action = "Make fewer or cheaper images, or raise the budget on the Hosted page or with `fluxtune hosted budget`."


class LineSent(Conflict):
    """The line was sent already; it is never sent twice."""

    title = "This request was sent already"
    action = "Look at the ledger: what it asked for is on its way, or listed as not delivered."


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent or set aside, in thousandths of a credit."""

    today: int
    this_month: int


def to_units(credits_: float) -> int:
    """Return credits in thousandths."""
    return round(credits_ * PER_CREDIT)


def spent(session: Session) -> Spent:
    """Return what was spent today and this month (UTC)."""
    day = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return Spent(repository.spent_since(session, day), repository.spent_since(session, day.replace(day=1)))


def spent_by(session: Session, person_id: str) -> int:
    """Return what one person has spent or set aside this month (UTC)."""
    month = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return repository.spent_since(session, month, person_id)


def check_budget(session: Session, amount: int) -> list[str]:
    """Raise BudgetReached if so much more can't be spent; return warnings when a limit comes near.

    Beside the studio's budget counts what the actor may spend in a month.
    """
    budget, own = repository.find_budget(session), quotas.limits_of(session, acting()).hosted_usd_per_month
    if not amount or (budget is None and own is None):
        return []
    limits: list[tuple[str, int | None, int]] = []
    if budget is not None:
        so_far = spent(session)
        limits = [
            ("one request", budget.per_request, 0),
            ("a day", budget.per_day, so_far.today),
            ("a month", budget.per_month, so_far.this_month),
        ]
    if own is not None:
        limits.append(("you in a month", to_units(own * 100), spent_by(session, acting().id)))
    warnings: list[str] = []
    for name, limit, before in limits:
        if limit is None:
            continue
        if before + amount > limit:
            already = f", and {show(before)} are spent already" if before else ""
            raise BudgetReached(f"This would cost {show(amount)}. The limit for {name} is {show(limit)}{already}.")
        if before + amount > limit * 0.8:
            warnings.append(f"After this, {show(before + amount)} of {show(limit)} for {name} are spent.")
    return warnings


def show(units: int) -> str:
    """Return an amount as people read it: one credit is a US cent."""
    whole, dot, part = f"{units / PER_CREDIT / 100:.5f}".partition(".")
    return f"${whole}{dot}{part.rstrip('0').ljust(2, '0')}"


def reserve(
    session: Session,
    target_id: str,
    slots: Sequence[int],
    key_name: str,
    endpoint: Endpoint,
    each: int,
    *,
    is_new: bool = False,
) -> None:
    """Write a line for each image and set its estimate aside; raise BudgetReached if that is too much.

    An image that has a line already gets one more attempt; those of a target that `is_new` have none.
    """
    repository.lock(session)
    check_budget(session, each * len(slots))
    at = now()
    before = {} if is_new else newest_lines(session, target_id)
    attempts = {slot: row.attempt for slot, row in before.items()}
    for slot in slots:
        if slot in before and before[slot].state == "unknown":
            # The user has decided: it is given up, and stays counted as spent.
            before[slot].state, before[slot].ended_at = "failed", at
    rows = [
        LedgerRow(
            id=new_id(), target_id=target_id, slot=slot, attempt=attempts.get(slot, 0) + 1, key_name=key_name,
            endpoint=endpoint.name, state="reserved", estimate=each, created_at=at,
        )
        for slot in slots
    ]  # fmt: skip
    repository.begin_lines(session, rows)


def newest_lines(session: Session, target_id: str) -> dict[int, LedgerRow]:
    """Return the newest attempt at each image of a generation."""
    return {row.slot: row for row in repository.list_of_target(session, target_id)}


def lines_of_targets(session: Session, target_ids: Sequence[str]) -> list[LedgerRow]:
    """Return all lines of some generations, every attempt."""
    return repository.list_of_targets(session, target_ids)


def release(session: Session, target_id: str, problem: Problem) -> None:
    """End what was never sent; nothing of it was charged."""
    for row in repository.list_of_target(session, target_id):
        if row.state == "reserved" and row.sent_at is None:
            set_failed(session, row.id, problem, was_charged=False)


def take_up(session: Session, target_id: str) -> list[LedgerRow]:
    """Call when nobody else works on a generation: what left without an answer is now unknown for good.

    Returns the newest attempt at each image.
    """
    rows = list(newest_lines(session, target_id).values())
    for row in rows:
        if row.state == "reserved" and row.sent_at is not None:
            error = AcceptanceUnknown("fluxtune was interrupted after the request had left.")
            lose_answer(row, error.problem())
    return rows


@dataclass(frozen=True, slots=True)
class Leave:
    """Which of some lines leave now, for which the account has no room yet, and which never will leave."""

    granted: frozenset[str]
    full: frozenset[str]
    gone: frozenset[str]


def let_leave(session: Session, line_ids: Sequence[str], most: int) -> Leave:
    """Mark lines as leaving now, in this order, as far as their accounts have room; commit durably before sending.

    Exact over all processes: who counts is alone until its transaction ends.
    """
    repository.lock(session)
    return _let_leave(session, repository.find_lines(session, line_ids), line_ids, most)


def let_rows_leave(session: Session, rows: Sequence[LedgerRow], most: int) -> Leave:
    """Do the same for lines that were read in this very transaction, whose first statement was `lock`."""
    return _let_leave(session, {row.id: row for row in rows}, [row.id for row in rows], most)


def lock(session: Session) -> None:
    """Let nobody else count money or tasks until this transaction ends."""
    repository.lock(session)


def _let_leave(session: Session, rows: Mapping[str, LedgerRow], line_ids: Sequence[str], most: int) -> Leave:
    at = now()
    active = repository.count_active(session, at - _TASK_LIVES, at - _ANSWER_COMES, at - _MAYBE_AT_WORK)
    granted: set[str] = set()
    full: set[str] = set()
    gone: set[str] = set()
    for line_id in line_ids:
        row = rows.get(line_id)
        if row is None or row.state != "reserved" or row.sent_at is not None:
            gone.add(line_id)
        elif not _has_room(active, row):
            full.add(line_id)
        elif len(granted) < most:
            row.sent_at = at
            active[row.key_name, row.endpoint] += 1
            granted.add(line_id)
    return Leave(frozenset(granted), frozenset(full), frozenset(gone))


def _has_room(active: Counter[tuple[str, str]], row: LedgerRow) -> bool:
    of_account = sum(count for (key_name, _), count in active.items() if key_name == row.key_name)
    of_endpoint = active[row.key_name, row.endpoint]
    most = ACTIVE_TASKS if row.key_name.startswith(OWN_SERVER) else find_endpoint(row.endpoint).active_tasks
    return of_account < ACTIVE_TASKS and of_endpoint < most


def told(session: Session, line_id: str, task_id: str | None) -> bool:
    """Store that there is news of a line; return False where it comes too late or is about another task.

    It also names the task of a request whose answer never came: with it the image can be fetched after all.
    """
    row = get_line(session, line_id)
    if row.state in ("delivered", "failed") or row.sent_at is None:
        return False
    if row.task_id is None and task_id is not None:
        row.task_id = task_id[:200]
        if row.state == "unknown":
            row.state, row.error = "submitted", None
    elif task_id != row.task_id:
        return False
    row.told_at = now()
    return True


def lose_answer(row: LedgerRow, problem: Problem) -> bool:
    """End a line whose answer never came; return False where a webhook has named its task meanwhile."""
    if row.task_id is not None:
        row.state = "submitted"
        return False
    set_unknown(row, problem)
    return True


def was_not_sent(session: Session, line_id: str) -> None:
    """Take back that a line has left: it was surely not accepted and may be sent again."""
    get_line(session, line_id).sent_at = None


def was_accepted(session: Session, row: LedgerRow, accepted: Accepted) -> None:
    """Store the task of a line; the row in memory, of whichever transaction, learns of it too."""
    row.state, row.task_id, row.polling_url, row.error = "submitted", accepted.task_id, accepted.polling_url, None
    row.input_mp, row.output_mp = accepted.input_mp, accepted.output_mp
    if accepted.cost is not None:
        row.cost = to_units(accepted.cost)
    _store(
        session, row, "state", "task_id", "polling_url", "error", "input_mp", "output_mp",
        *(["cost"] if accepted.cost is not None else []),
    )  # fmt: skip


def is_ready(session: Session, row: LedgerRow, cost: float | None) -> None:
    """Store that the image is made, and what was settled for it; the row in memory learns of it too."""
    row.state = "ready"
    settle(row, cost)
    _store(session, row, "state", "cost", "is_settled")


def _store(session: Session, row: LedgerRow, *names: str) -> None:
    """Write what was changed of a row that was read before: on the way of an image every statement counts."""
    if not repository.change_line(session, row.id, **{name: getattr(row, name) for name in names}):
        raise LineMissing(f"There is no line “{row.id}”.")


def settle(row: LedgerRow, cost: float | None) -> None:
    """Store what was settled; where nobody says, the cost told at the start is what was paid."""
    if cost is not None:
        row.cost, row.is_settled = to_units(cost), True
    elif row.cost is not None and row.state in ("ready", "delivered"):
        row.is_settled = True


def set_delivered(session: Session, line_id: str, image_id: str) -> bool:
    """Store that the image is kept; return False if it was before, so that nobody keeps it twice."""
    row = get_line(session, line_id)
    if row.state == "delivered":
        return False
    row.state, row.image_id, row.error, row.ended_at = "delivered", image_id, None, now()
    return True


def set_failed(
    session: Session, line_id: str, problem: Problem, *, was_charged: bool, cost: float | None = None
) -> None:
    """End a line without an image. What was surely not accepted costs nothing."""
    row = get_line(session, line_id)
    row.state, row.error, row.ended_at = "failed", problem.model_dump(mode="json"), now()
    if not was_charged:
        row.cost, row.is_settled = 0, True
    else:
        settle(row, cost)


def set_unknown(row: LedgerRow, problem: Problem) -> None:
    """End a line of which nobody knows whether it was accepted; its estimate stays set aside."""
    row.state, row.error = "unknown", problem.model_dump(mode="json")


def note(session: Session, line_id: str, problem: Problem) -> None:
    """Store what stands in the way of an image that is still owed."""
    get_line(session, line_id).error = problem.model_dump(mode="json")


def get_line(session: Session, line_id: str) -> LedgerRow:
    """Return one line."""
    row = repository.find_line(session, line_id)
    if row is None:
        raise LineMissing(f"There is no line “{line_id[:64]}”.")
    return row
