"""Jobs of a studio that was restored from a copy: nothing starts, and nothing is paid for, by itself."""

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.jobs import repository
from fluxtune.jobs.service import record

_ALL = 1_000_000


def hold_all(session: Session) -> tuple[int, int]:
    """Pause finetunes that waited or ran, cancel the rest; return how many of each.

    What happened to them after the copy was made is not known: a generation may have been paid for and delivered. A
    paused finetune goes on from its last checkpoint when somebody resumes it.
    """
    paused = cancelled = 0
    for row in repository.list_jobs(session, repository.ACTIVE_STATES, None, _ALL):
        row.owner, row.worker_id, row.heartbeat_at, row.eta_s = None, None, None, None
        row.request, row.wishes, row.phase = None, [], ""
        if row.kind == "finetune":
            if row.state != "paused":
                row.state = "paused"
                record(session, row, "job.paused", {"reason": "user"})
            paused += 1
        else:
            row.state, row.finished_at = "cancelled", now()
            record(session, row, "job.cancelled", {})
            cancelled += 1
    session.flush()
    return paused, cancelled
