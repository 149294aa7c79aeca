"""A team's set-up in processes of its own: servers and workers on one PostgreSQL and one data folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.kill.studio import RealStudio, wait_for


class Team(RealStudio):
    """Two servers and three workers, as `docs/guide/team-setup.md` starts them. It is the first server that is asked.

    The data folder has a `fluxtune.toml` that names the database, or the environment does.
    """

    def __init__(
        self, data: Path, *, servers: int = 2, workers: int = 3, environment: dict[str, str] | None = None
    ) -> None:
        super().__init__(data)
        self._environment = environment or {}
        self._servers = servers
        self._workers = workers
        self._programs: list[subprocess.Popen[bytes]] = []
        self.others: list[httpx2.Client] = []
        """Clients of the further servers."""

    def start(self) -> None:
        """Start everything and wait until all answer."""
        for number in range(1, self._servers + 1):
            self._run("serve", "--port", "0", "--no-open", "--no-worker")
            name = "studio.json" if number == 1 else f"studio-{number}.json"
            record = wait_for(f"the start of server {number}", lambda name=name: self._read(name))  # type: ignore[misc]
            client = self._http if number == 1 else httpx2.Client(trust_env=False, timeout=60)
            client.base_url = httpx2.URL(record["url"])
            client.headers["authorization"] = f"Bearer {record['token']}"
            if number == 1:
                self.url = record["url"]
            else:
                self.others.append(client)
        for _ in range(self._workers):
            self.start_worker()

    def start_worker(self) -> None:
        """Start one more worker."""
        self._run("worker")

    def stop(self) -> None:
        """End everything, politely and then by force."""
        for program in self._programs:
            program.terminate()
        for program in self._programs:
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        for process in self.processes():
            process.kill()

    def workers(self) -> list[psutil.Process]:
        """Return the workers that live."""
        return [process for process in self.processes() if "worker" in process.cmdline()]

    def kill(self, *processes: psutil.Process | None) -> None:
        """Kill -9, all at once; return when they are gone."""
        super().kill(*processes)
        for program in self._programs:
            program.poll()

    def _run(self, *arguments: str) -> None:
        with (self.data / "team.out").open("ab") as out:
            command = [sys.executable, "-m", "fluxtune", *arguments, "--data", str(self.data)]
            program = subprocess.Popen(
                command, stdout=out, stderr=out, start_new_session=True, env={**os.environ, **self._environment}
            )
            self._programs.append(program)

    def _read(self, name: str) -> dict[str, Any] | None:
        assert all(program.poll() is None for program in self._programs), (self.data / "team.out").read_text()
        try:
            record: dict[str, Any] = json.loads((self.data / name).read_text())
        except (OSError, ValueError):
            return None
        return record
