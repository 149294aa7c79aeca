"""Watching a job: a progress bar on stderr, or its events as JSON lines on stdout."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from fluxtune.cli.output import Output, duration
from fluxtune.client import Client
from fluxtune.jobs.schemas import JobEvent

PHASE_SECONDS = 10.0
"""In a pipe: after so long a phase that goes on says how far it is."""


def follow_job(client: Client, job_id: str, output: Output, title: str) -> JobEvent | None:
    """Show a job's progress until it has ended or is paused; return its last event."""
    last: JobEvent | None = None
    with _bar(output, title) as show:
        for event in client.follow(job_id):
            show(event)
            last = event
    return last


def pause_reason(last: JobEvent | None) -> str | None:
    """Return why a job that was followed is paused, if its last event says so."""
    return last.data.get("reason") if last is not None and last.type == "job.paused" else None


@contextmanager
def _bar(output: Output, title: str) -> Iterator[Any]:
    """Yield a function that shows an event. In a pipe each change of phase is a line instead of a moving bar."""
    if output.as_json:
        yield lambda event: None
        return
    if not output.notes.is_terminal:
        yield _Lines(output, title)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[facts]}", style="dim"),
    )
    with Progress(*columns, console=output.notes) as progress:
        yield _Bar(progress, progress.add_task(title, total=None, count="", facts="waiting"))


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress, self.task = progress, task

    def __call__(self, event: JobEvent) -> None:
        data = event.data
        if event.type == "job.phase":
            total = data.get("total") or None
            count = f"{data.get('done', 0)}/{total}" if total else ""
            self.progress.update(
                self.task, completed=data.get("done") or 0, total=total, count=count, facts=data.get("phase", "")
            )
        elif event.type == "job.progressed":
            self.progress.update(
                self.task,
                completed=data["step"],
                total=data["steps"],
                count=f"{data['step']}/{data['steps']}",
                facts=progress_facts(data),
            )
        elif event.type == "job.logged" and data.get("level") in ("warning", "error"):
            self.progress.console.print(f"! {data.get('message')}", markup=False)


class _Lines:
    """Progress for pipes and logs: a line when the phase changes or has taken a while, one every tenth of the steps."""

    def __init__(self, output: Output, title: str) -> None:
        self.output, self.title = output, title
        self.phase, self.tenth, self.said_at = "", -1, 0.0

    def __call__(self, event: JobEvent) -> None:
        data = event.data
        if event.type == "job.phase":
            is_new, now = data.get("phase") != self.phase, time.monotonic()
            if is_new or now - self.said_at > PHASE_SECONDS:
                self.phase, self.said_at = str(data.get("phase")), now
                count = f", {data.get('done') or 0} of {data['total']}" if data.get("total") else ""
                self.output.note(f"{self.title}: {self.phase}{count}")
        elif event.type == "job.progressed":
            tenth = 10 * int(data["step"]) // max(1, int(data["steps"]))
            if tenth != self.tenth:
                self.tenth = tenth
                self.output.note(f"{self.title}: {data['step']}/{data['steps']}  {progress_facts(data)}")
        elif event.type == "job.logged" and data.get("level") in ("warning", "error"):
            self.output.note(f"! {data.get('message')}")


def progress_facts(data: dict[str, Any]) -> str:
    """Return the facts beside a progress bar: loss, pace and time left, as far as they are known."""
    parts = []
    if data.get("smoothed") is not None:
        parts.append(f"loss {data['smoothed']:.3f}")
    if data.get("seconds_per_step"):
        parts.append(f"{data['seconds_per_step']:.2f} s/step")
    if data.get("eta_s") is not None:
        parts.append(f"{duration(data['eta_s'])} left")
    return " · ".join(parts)
