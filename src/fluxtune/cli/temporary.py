"""A studio for as long as one command needs it: the same server, in this process, on a free port."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fluxtune.api.server import Studio as Server
from fluxtune.api.server import StudioRunning
from fluxtune.cli.output import Output
from fluxtune.client import Client, find_studio
from fluxtune.config import Settings
from fluxtune.config.logs import set_up_logs
from fluxtune.core.errors import FluxtuneError

# Another command may be between taking the lock and answering; creating a database takes longest.
PATIENCE_S = 15.0


@contextmanager
def temporary_studio(settings: Settings, output: Output, *, with_worker: bool) -> Iterator[tuple[Client, bool]]:
    """Yield a client, and whether the studio it talks to is ours and ends with this command.

    Work that is still under way at the end is left to the worker, which ends by itself when it is done.
    """
    settings.paths.create()
    set_up_logs(settings, "server", console=False)
    try:
        server = Server(settings, "127.0.0.1", 0)
    except StudioRunning:
        # Another command was quicker; its studio serves us too.
        with _join(settings) as client:
            yield client, False
        return
    thread = threading.Thread(target=server.run, kwargs={"with_worker": with_worker}, name="studio", daemon=True)
    thread.start()
    try:
        _wait_until_ready(server, thread)
        with Client(server.url, server.token) as client:
            yield client, True
    finally:
        left = server.work_under_way() if with_worker else []
        server.stop(leave_worker=bool(left))
        thread.join()
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            output.warn(f"{left[0]}{more} goes on in the background; `fluxtune serve` shows it.")


def _wait_until_ready(server: Server, thread: threading.Thread) -> None:
    until = time.monotonic() + PATIENCE_S
    while not server.server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise FluxtuneError(
                f"It did not answer within {PATIENCE_S:.0f} s.",
                title="The studio could not be started",
                action=f"The log in {server.settings.paths.logs} says why.",
            )
        time.sleep(0.01)


@contextmanager
def _join(settings: Settings) -> Iterator[Client]:
    until = time.monotonic() + PATIENCE_S
    while (address := find_studio(settings.data)) is None:
        if time.monotonic() > until:
            raise StudioRunning(
                f"Something holds {settings.paths.server_lock}, but nothing answers.",
                action="End the other fluxtune process, then try again.",
            )
        time.sleep(0.1)
    with Client(address.url, address.token) as client:
        yield client
