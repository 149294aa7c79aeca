"""A finetune that trains at a server: sent once, followed as if it ran here, its adapter fetched at the end.

Everything may be interrupted and repeated. That a dataset is about to leave is committed before it does, with the id
the server gave right after; in between, the finetune is looked for there by its key or comment before it is sent again.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from fluxtune.backends.bfl.errors import HostedDown, HostUnreachable, TooManyTasks
from fluxtune.backends.fluxtune.answers import AdapterFacts, Discovered, KnownFinetune, Progress
from fluxtune.backends.fluxtune.client import ServerClient
from fluxtune.backends.fluxtune.errors import RequestUncertain
from fluxtune.core.clock import now
from fluxtune.core.errors import FluxtuneError, InvalidInput
from fluxtune.engine.captions import fill_trigger
from fluxtune.engine.config import Recipe
from fluxtune.engine.events import RunEvent
from fluxtune.engine.recipes import prompts_for
from fluxtune.finetunes import repository
from fluxtune.finetunes.errors import EndedElsewhere, LostElsewhere
from fluxtune.finetunes.following import LOOK_EVERY_S, Following, Leave
from fluxtune.finetunes.runs import tell_last_step
from fluxtune.finetunes.sending import comment_of, fields_of, pack_dataset
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.jobs.tasks import PROGRESS_INTERVAL_S, StepEnd
from fluxtune.models.importing import Origin, Wish, import_model
from fluxtune.models.schemas import Model
from fluxtune.models.service import ModelService
from fluxtune.servers import connecting
from fluxtune.servers.connecting import OpenServer
from fluxtune.servers.errors import ServerMissing
from fluxtune.servers.service import ServerService

log = structlog.get_logger(__name__)

ARRIVES_WITHIN_S = 60.0
"""A dataset that was sent and is not there by then did not arrive."""
MOST_SENT = 4
LOST_AFTER = 5
"""So many times in a row the server must say that it knows nothing of the finetune."""


class RunElsewhere(Following):
    """The steps of one finetune at a server, for `FinetuneTask`."""

    def send(self) -> StepEnd | None:
        """Send the dataset, unless the server has it already."""
        if self._row.remote_id is not None:
            return None
        try:
            server, facts = self._open()
            with connecting.connect(self._settings, server) as client:
                self._send(client, facts)
        except Leave as leave:
            return leave.end
        finally:
            shutil.rmtree(self._folder.path / "snapshot", ignore_errors=True)
            (self._folder.path / "dataset.zip").unlink(missing_ok=True)
        return None

    def follow(self) -> StepEnd | None:
        """Follow the finetune at the server to its end."""
        try:
            server, facts = self._open()
            with connecting.connect(self._settings, server) as client:
                if facts.can("progress"):
                    return self._follow(client, facts)
                return self._follow_plain(client, facts)
        except Leave as leave:
            return leave.end

    def fetch(self) -> StepEnd | None:
        """Fetch the adapter into the catalogue, and remember the finetune as a model of the server."""
        self._asked = self._job.request()  # it has been passed on, or comes too late
        try:
            server, facts = self._open()
            with connecting.connect(self._settings, server) as client:
                adapter: AdapterFacts | None = None
                if facts.can("progress", "adapter"):
                    told = self._patiently(lambda: client.progress(self._remote_id, 0))
                    adapter = told.adapter if told is not None else None
                model = self._fetch(client, adapter) if adapter is not None else None
            self._rest(PROGRESS_INTERVAL_S)  # so that the last step is not taken for one of many
        except Leave as leave:
            return leave.end
        step = adapter.step if adapter is not None else self._row.recipe["steps"]
        with self._job.transaction() as session:
            row = repository.find_finetune(session, self._row.id)
            if row is None:
                return None
            known = KnownFinetune(
                finetune_id=self._remote_id, name=row.name, trigger_word=row.trigger_word, base=row.base
            )
            row.elsewhere_model_id = ServerService(session, self._settings).learn_model(server.id, known)
            row.model_id = model.id if model is not None else row.model_id
            row.steps_done = step
            tell_last_step(session, self._job, row, step)
        return StepEnd("done", {"stopped_early": step < self._row.recipe["steps"]})

    @property
    def _remote_id(self) -> str:
        assert self._row.remote_id is not None  # noqa: S101 - sent before it is followed
        return self._row.remote_id

    def _open(self) -> tuple[OpenServer, Discovered]:
        """Return the server, also where it was removed and added anew under its name."""
        with self._job.reading() as session:
            service = ServerService(session, self._settings)
            try:
                found = service.find_row(self._row.server_id or "")
            except ServerMissing:
                found = service.find_row(self._row.server_name or "")
            return connecting.open_server(self._settings, found), Discovered.model_validate(found.facts)

    # Sending

    def _send(self, client: ServerClient, facts: Discovered) -> None:
        if self._row.sent_at is not None and self._find(client, facts, self._row.sent_at):
            return
        self._folder.path.mkdir(parents=True, exist_ok=True)
        if any(image.get("repeats", 1) > 1 for image in self._row.snapshot["images"]):
            self._say("warning", f"{self._row.server_name} sees each image once a pass: repeats can't be sent.")
        archive = pack_dataset(self._blobs, self._row, self._folder.path, facts)
        for attempt in range(1, MOST_SENT + 1):
            self._tell_phase("sending the dataset")
            sent_at = now()
            self._note(sent_at=sent_at)
            try:
                self._note(
                    remote_id=self._patiently(lambda: client.start_finetune(fields_of(self._row, facts), archive))
                )
                return
            except RequestUncertain as error:
                self._say("warning", f"{error.title}. {error.detail} Looking for the finetune there.")
                if self._find(client, facts, sent_at):
                    return
                if attempt == MOST_SENT:
                    raise

    def _find(self, client: ServerClient, facts: Discovered, sent_at: datetime) -> bool:
        """Return whether the server has the finetune; wait until it can't come any more, unless sending twice is safe.

        A server that knows keys starts nothing twice.
        """
        wanted = comment_of(self._row)
        while True:
            for finetune_id in self._patiently(client.finetunes):
                known = self._patiently(lambda each=finetune_id: client.describe_finetune(each))  # type: ignore[misc]
                if known is not None and (known.key == self._row.id or known.comment == wanted):
                    self._note(remote_id=finetune_id)
                    return True
            if facts.can("recipe") or (now() - sent_at).total_seconds() > ARRIVES_WITHIN_S:
                return False
            self._rest(LOOK_EVERY_S)

    def _note(self, **values: Any) -> None:
        """Commit something about the finetune, durably: it must not be forgotten by a power cut."""
        with self._job.transaction(durable=True) as session:
            row = repository.find_finetune(session, self._row.id)
            for name, value in values.items():
                setattr(self._row, name, value)
                if row is not None:
                    setattr(row, name, value)

    # Following

    def _follow(self, client: ServerClient, facts: Discovered) -> StepEnd | None:
        with self._job.reading() as session:
            after = repository.last_step(session, self._row.id)
            seen = {(each.step, each.row) for each in repository.list_samples(session, self._row.id)}
        if not self._seq:
            self._record([self._event("run.started", {"device": self._row.server_name, "resumed_from": None})])
        unknown = 0
        self._go_on(client)
        while True:
            self._steer(client, facts)
            self._pass_wishes_on(client, facts)
            step = after
            told = self._patiently(lambda step=step: client.progress(self._remote_id, step))  # type: ignore[misc]
            if told is None:
                unknown += 1
                if unknown >= LOST_AFTER:
                    raise LostElsewhere(f"{self._row.server_name} says that there is no such finetune.")
                self._rest(LOOK_EVERY_S)
                continue
            unknown = 0
            after = self._take(client, told, after, seen)
            end = self._end_of(told.state, told.error.model_dump() if told.error else None)
            if end is not None:
                return end if end.state != "done" else None
            if told.state == "paused" and self._asked == "pause":
                self._paused_mark.touch()
                return StepEnd("paused", {"seq": self._next_seq(), "reason": "user"})
            self._tell_phase(_phase_of(told, self._row.server_name or "the server"))
            self._rest(LOOK_EVERY_S)

    def _take(self, client: ServerClient, told: Progress, after: int, seen: set[tuple[int, int]]) -> int:
        """Store what is new; return the last step that was measured."""
        events: list[RunEvent] = []
        if told.step < after and not told.loss and told.state == "running":
            # It went back to a checkpoint and measures these steps again.
            after = told.step
            events.append(self._event("run.started", {"device": self._row.server_name, "resumed_from": told.step}))
        for point in told.loss:
            values = point.model_dump() | {"steps": told.steps, "eta_s": told.eta_s}
            events.append(self._event("run.progressed", values))
            after = point.step
        for sample in told.samples:
            if (sample.step, sample.row) in seen:
                continue
            file = self._folder.sample_file(sample.step, sample.row)
            try:
                content = client.fetch(sample.sample)
            except FluxtuneError as error:
                log.info("a sample did not come; it is asked for again", error=str(error))
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            seen.add((sample.step, sample.row))
            values = {"step": sample.step, "index": sample.row, "prompt": sample.prompt, "file": file.name}
            events.append(self._event("run.sampled", values | {"seed": None}))
        self._record(events)
        return after

    def _follow_plain(self, client: ServerClient, facts: Discovered) -> StepEnd | None:
        """Follow by what BFL's API tells: a fraction, and how it ended."""
        steps: int = self._row.recipe["steps"]
        unknown = 0
        self._tell_phase("training")
        while True:
            self._steer(client, facts)
            answer = self._patiently(lambda: client.result(self._remote_id))
            status = str(answer.get("status")).casefold()
            unknown = unknown + 1 if status == "task not found" else 0
            if unknown >= LOST_AFTER:
                raise LostElsewhere(f"{self._row.server_name} says: {answer.get('status')}.")
            details = answer.get("details")
            why = details.get("error") if isinstance(details, dict) else None
            states = {"ready": "succeeded", "error": "failed", "failed": "failed"}
            end = self._end_of(states.get(status, "running"), {"detail": str(why or "It does not say why.")[:500]})
            if end is not None:
                return end if end.state != "done" else None
            fraction = answer.get("progress")
            if isinstance(fraction, int | float) and 0 <= fraction <= 1:
                self._job.tell("job.progressed", {"step": round(fraction * steps), "steps": steps, "eta_s": None})
            self._tell_phase("training")
            self._rest(LOOK_EVERY_S)

    def _end_of(self, state: str, error: dict[str, Any] | None) -> StepEnd | None:
        """Return how the step ends where the finetune has ended at the server."""
        if state == "succeeded":
            return StepEnd("done")
        if state == "cancelled" or (state == "failed" and self._asked == "cancel"):
            if self._asked != "cancel":
                self._say("warning", f"It was cancelled at {self._row.server_name}.")
            return self._ended("cancelled")
        if state == "failed":
            found = error or {}
            detail = " ".join(str(found[part]) for part in ("title", "detail") if found.get(part))
            problem = EndedElsewhere(detail, action=found.get("action") or None).problem()
            return StepEnd("failed", {"seq": self._next_seq()}, problem)
        return None

    def _steer(self, client: ServerClient, facts: Discovered) -> None:
        """Pass on what the user asks, once."""
        if self._job.is_leaving():
            raise Leave(StepEnd("handed_back"))
        wish = self._job.request()
        if wish not in ("cancel", "stop", "pause") or self._asked == wish:
            return
        self._asked = wish
        name = self._row.server_name
        if not facts.can(wish):
            if wish != "cancel":
                self._say("warning", f"{name} can't {wish} a finetune early; it trains to its end.")
                return
            self._say("warning", f"{name} can't cancel a finetune; it goes on there, and nobody waits for it here.")
            raise Leave(self._ended("cancelled"))
        try:
            client.steer(self._remote_id, wish)
        except (HostUnreachable, HostedDown, TooManyTasks) as error:
            self._asked = None
            if wish == "cancel":
                self._say("warning", f"{name} could not be told: {error.detail} Cancel it there, too.")
                raise Leave(self._ended("cancelled")) from error

    @property
    def _paused_mark(self) -> Path:
        """A file that says that the finetune waits at the server because it was paused here."""
        return self._folder.path / "paused-at-server"

    def _go_on(self, client: ServerClient) -> None:
        """Let a finetune go on at the server that was paused from here. Who paused it there lets it go on there."""
        if not self._paused_mark.exists():
            return
        if self._job.request() not in ("cancel", "stop"):
            self._patiently(lambda: client.steer(self._remote_id, "resume"))
        self._paused_mark.unlink()

    def _pass_wishes_on(self, client: ServerClient, facts: Discovered) -> None:
        """Pass on what the user wants besides; while the server is away it stays wanted."""
        for wish in self._job.wishes():
            try:
                if not (facts.can(wish) and client.steer(self._remote_id, wish)):
                    self._say("warning", f"{self._row.server_name} does not {wish} now.")
            except (HostUnreachable, HostedDown, TooManyTasks):
                return
            self._job.passed_on([wish])

    # Fetching

    def _fetch(self, client: ServerClient, adapter: AdapterFacts) -> Model | None:
        """Return the model made of the adapter; None where it is for a base that nothing here is like."""
        with self._job.reading() as session:
            made = ModelService(session, self._blobs, self._settings).find_by_finetune(self._row.id)
        if made is not None:
            return made
        file = self._folder.path / "fetched.safetensors"
        sha256 = adapter.sha256

        def tell(done: int) -> None:
            self._job.tell("job.phase", {"phase": "fetching", "done": done, "total": adapter.byte_count})

        tell(0)
        self._patiently(lambda: client.download_adapter(self._remote_id, file, sha256, tell))
        with self._job.reading() as session:
            fresh = repository.find_finetune(session, self._row.id) or self._row
            origin = self._origin(fresh, adapter.step)
        wish = Wish(name=self._row.name, base=self._row.base, trigger_word=self._row.trigger_word, origin=origin)
        try:
            with file.open("rb") as content:
                name = f"{self._row.name}.safetensors"
                return import_model(self._job, self._blobs, self._settings, name, content, wish)
        except InvalidInput as error:
            self._say("warning", f"The adapter stays at {self._row.server_name}: {error.detail}")
            return None
        finally:
            file.unlink(missing_ok=True)

    def _origin(self, row: FinetuneRow, step: int) -> Origin:
        recipe = Recipe.model_validate(row.recipe)
        images = "1 image" if row.image_count == 1 else f"{row.image_count} images"
        return Origin(
            finetune_id=row.id,
            dataset_id=row.dataset_id,
            mode=row.mode,
            step=step,
            description=f"Learnt from {images} of “{row.dataset_name}” in {step} steps, at {row.server_name}.",
            prompts=[fill_trigger(prompt, row.trigger_word) for prompt in prompts_for(row.mode, recipe)],  # type: ignore[arg-type]
            cover_image_id=row.cover_image_id,
            notes=[f"Trained at {row.server_name} as {self._remote_id}; its recipe is that of the finetune."],
        )


def _phase_of(told: Progress, name: str) -> str:
    """Return what to show while the finetune is not over."""
    if told.state == "queued":
        return f"queued at {name}"[:40]
    if told.state == "paused":
        return f"paused at {name}"[:40]
    return told.phase[:40] or "training"
