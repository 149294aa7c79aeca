"""Servers: add, test, remove; what they are and which models they have. The network is never asked in a transaction."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from fluxtune import __version__
from fluxtune.audit import service as audit
from fluxtune.backends.fluxtune.answers import TRAINING, Discovered, KnownFinetune
from fluxtune.backends.fluxtune.client import ServerClient
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import FluxtuneError, InvalidInput, Problem
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.db import Database
from fluxtune.models.schemas import Model
from fluxtune.servers import connecting, repository
from fluxtune.servers.connecting import OpenServer, clean_token, clean_url, open_server
from fluxtune.servers.errors import NotThere, ServerMissing, ServerNameTaken
from fluxtune.servers.models import PREFIX, bases_of, plain_bases, to_model
from fluxtune.servers.schemas import Server, ServerBase, ServerCreate
from fluxtune.servers.tables import ServerModelRow, ServerRow

log = structlog.get_logger(__name__)

MOST_DESCRIBED = 30
"""Finetunes that are asked for one by one when a server is tested."""


def add_server(database: Database, settings: Settings, create: ServerCreate) -> Server:
    """Try a server and store it; raises what stands in the way, and stores nothing then."""
    name = clean_text(create.name)
    if not name:
        raise InvalidInput("Give it a name.", field="name")
    token = clean_token(create.token.get_secret_value())
    server = OpenServer(new_id(), name, clean_url(create.url), token)
    with database.reading() as session:
        _require_free(session, name)
    with connecting.connect(settings, server) as client:
        facts = client.discover()
        models = _ask_for_models(client, facts, known=())
    with database.transaction() as session:
        _require_free(session, name)
        at = now()
        row = ServerRow(
            id=server.id, name=name, url=server.url, secret=settings.secrets.seal(token),
            facts=facts.model_dump(mode="json"), checked_at=at, created_at=at,
        )  # fmt: skip
        repository.add(session, row)
        _keep_models(session, row, facts, models)
        audit.record(session, "server.added", "server", row.id, after={"url": row.url}, name=name)
        return ServerService(session, settings).get_server(row.id)


def test_server(database: Database, settings: Settings, server_id: str) -> Server:
    """Ask a server anew what it is and has. That it does not answer is stored and shown, not raised."""
    with database.reading() as session:
        row = ServerService(session, settings).find_row(server_id)
        server = open_server(settings, row)
        known = [model.remote_id for model in repository.list_models(session, row.id) if model.kind == "finetuned"]
    facts: Discovered | None = None
    problem: Problem | None = None
    models: list[KnownFinetune] | None = None
    try:
        with connecting.connect(settings, server) as client:
            facts = client.discover()
            models = _ask_for_models(client, facts, known)
    except FluxtuneError as error:
        log.warning("a server can't be used", server=server.name, error=str(error), technical=error.technical)
        problem = error.problem()
    with database.transaction() as session:
        row = ServerService(session, settings).find_row(server.id)
        row.checked_at = now()
        row.problem = problem.model_dump(mode="json") if problem else None
        if facts is not None:
            row.facts = facts.model_dump(mode="json")
        if facts is not None and models is not None:
            _keep_models(session, row, facts, models)
        return ServerService(session, settings).get_server(row.id)


class ServerService:
    """Lists servers and their models, opens and removes them."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def list_servers(self) -> list[Server]:
        """Return all servers, oldest first, as they were when they were asked last."""
        return [self._show(row) for row in repository.list_servers(self._session)]

    def get_server(self, server_id: str) -> Server:
        """Return one server by its id or name."""
        return self._show(self.find_row(server_id))

    def remove_server(self, server_id: str) -> None:
        """Forget a server and its token. What came from it stays; what still runs there is not followed any more."""
        row = self.find_row(server_id)
        repository.remove_server(self._session, row)
        audit.record(self._session, "server.removed", "server", row.id, {"url": row.url}, name=row.name)

    def find_row(self, server_id: str) -> ServerRow:
        """Return a server's row by its id or name; raise ServerMissing."""
        row = repository.find_server(self._session, server_id) or repository.find_by_name(self._session, server_id)
        if row is None:
            raise ServerMissing(f"There is no server “{server_id[:60]}”.", field="server_id")
        return row

    def open(self, server_id: str) -> OpenServer:
        """Return a server with its token; raise ServerMissing or TokenUnreadable."""
        return open_server(self._settings, self.find_row(server_id))

    def facts_of(self, server_id: str) -> Discovered:
        """Return what a server said of itself."""
        return Discovered.model_validate(self.find_row(server_id).facts)

    def list_models(self) -> list[Model]:
        """Return what one can draw with at servers: finetunes, newest first, then bases."""
        servers = {row.id: row for row in repository.list_servers(self._session)}
        rows = repository.list_models(self._session)
        found = [to_model(row, servers[row.server_id]) for row in rows]
        return [model for kind in ("finetuned", "base") for model in found if model.kind == kind]

    def find_model(self, model_id: str) -> tuple[ServerModelRow, ServerRow]:
        """Return a model of a server by the id one generates with; raise NotThere."""
        row = repository.find_model(self._session, model_id.removeprefix(PREFIX))
        if row is None:
            raise NotThere("The model is not known here any more.", field="model_id")
        return row, self.find_row(row.server_id)

    def learn_model(self, server_id: str, finetune: KnownFinetune) -> str:
        """Remember a finetune of a server; return the id one generates with."""
        row = self.find_row(server_id)
        known = {each.remote_id: each for each in repository.list_models(self._session, row.id)}
        if finetune.finetune_id not in known:
            known[finetune.finetune_id] = _add_model(self._session, row, "finetuned", finetune)
        return PREFIX + known[finetune.finetune_id].id

    def _show(self, row: ServerRow) -> Server:
        facts = Discovered.model_validate(row.facts)
        return Server(
            id=row.id,
            name=row.name,
            url=row.url,
            kind="fluxtune" if facts.is_fluxtune else "contract",
            version=facts.version,
            extensions=facts.extensions,
            bases=[
                ServerBase(
                    name=base.name,
                    title=base.title,
                    description=base.description,
                    licence=base.licence,
                    is_trainable=base.training != "no",
                    is_usual=base.name == facts.usual_base,
                )
                for base in bases_of(facts).values()
            ],
            model_count=len(repository.list_models(self._session, row.id)),
            is_live=facts.can(*TRAINING),
            notes=[*_about_address(row.url), *_about_abilities(facts)],
            problem=Problem.model_validate(row.problem) if row.problem else None,
            checked_at=row.checked_at,
            created_at=row.created_at,
        )


def _require_free(session: Session, name: str) -> None:
    if repository.find_by_name(session, name) is not None:
        raise ServerNameTaken(f"“{name}” is in use.", field="name")


def _ask_for_models(client: ServerClient, facts: Discovered, known: Sequence[str]) -> list[KnownFinetune] | None:
    """Return the finetunes of a server, None where it does not list them. Known ones are not asked for again."""
    try:
        ids = client.finetunes()
    except FluxtuneError as error:
        log.info("a server does not list its finetunes", error=str(error))
        return None
    found = [KnownFinetune(finetune_id=each, name="") for each in ids if each in known]
    for finetune_id in [each for each in ids if each not in known][:MOST_DESCRIBED]:
        described = client.describe_finetune(finetune_id)
        if described is not None:
            found.append(described)
    return found


def _keep_models(
    session: Session, row: ServerRow, facts: Discovered, finetunes: Sequence[KnownFinetune] | None
) -> None:
    """Bring the known models of a server in line with what it has now."""
    known = {(each.kind, each.remote_id): each for each in repository.list_models(session, row.id)}
    here = {("base", name): base.title for name, base in bases_of(facts).items()} if facts.can("draw") else {}
    here |= {("base", name): name for name in plain_bases(facts)}
    for (kind, remote_id), title in here.items():
        if (kind, remote_id) not in known:
            base = KnownFinetune(finetune_id=remote_id, name=title, base=remote_id)
            _add_model(session, row, "base", base)
    there = {("finetuned", each.finetune_id) for each in finetunes or ()}
    for finetune in finetunes or ():
        if ("finetuned", finetune.finetune_id) not in known:
            _add_model(session, row, "finetuned", finetune)
    gone = [
        each.id
        for key, each in known.items()
        if key not in here and key not in there and (each.kind == "base" or finetunes is not None)
    ]
    repository.remove_models(session, gone)


def _add_model(session: Session, row: ServerRow, kind: str, finetune: KnownFinetune) -> ServerModelRow:
    model = ServerModelRow(
        id=new_id(), server_id=row.id, kind=kind, remote_id=finetune.finetune_id,
        name=clean_text(finetune.name)[:120] or finetune.finetune_id[:120], base=finetune.base[:64],
        trigger_word=clean_text(finetune.trigger_word)[:60], created_at=now(),
    )  # fmt: skip
    repository.add(session, model)
    return model


def _about_address(url: str) -> list[str]:
    """Say what an address means for the token and the images."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_loopback, is_private = host == "localhost", "." not in host or host.endswith((".local", ".internal", ".lan"))
    else:
        is_loopback, is_private = address.is_loopback, address.is_private
    if is_loopback:
        return ["The address is this computer's own: a tunnel, or a second studio here."]
    notes = ["The address is in a private network."] if is_private else []
    if parts.scheme == "http":
        notes.append("The connection is not encrypted: whoever is on the way can read the token and the images.")
    return notes


def _about_abilities(facts: Discovered) -> list[str]:
    """Say what a server can't do."""
    if not facts.is_fluxtune:
        return [
            "It speaks BFL's API and nothing more: finetunes there show no loss and no samples, and their adapters "
            "stay there."
        ]
    if facts.can(*TRAINING) and facts.can("draw"):
        return []
    lacks = [name for name in (*TRAINING, "draw") if name not in facts.extensions]
    return [
        f"It is fluxtune {facts.version}, this is {__version__}; it lacks {', '.join(lacks)}. Update it to have "
        "everything."
    ]
