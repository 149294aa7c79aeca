"""A real studio in processes of its own, and ways to kill them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil

START_S = 180
END_S = 600

T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], timeout_s: float = START_S) -> T:
    """Return what `look` finds, or fail saying what was waited for."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {timeout_s:.0f} s")


class RealStudio:
    """`fluxtune serve` on a data folder: started, killed and started again."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._server: subprocess.Popen[bytes] | None = None
        self._http = httpx2.Client(trust_env=False, timeout=60)
        self.url = ""

    def start(self) -> None:
        """Start the server and wait until it answers."""
        (self.data / "studio.json").unlink(missing_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "serve.out").open("ab") as out:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "fluxtune", "serve", "--port", "0", "--no-open", "--data", str(self.data)],
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        record = wait_for("the start of the server", self._record)
        self.url = record["url"]
        self._http.base_url = httpx2.URL(self.url)
        self._http.headers["authorization"] = f"Bearer {record['token']}"

    def _record(self) -> dict[str, Any] | None:
        assert self._server is not None
        assert self._server.poll() is None, (self.data / "serve.out").read_text()
        try:
            record: dict[str, Any] = json.loads((self.data / "studio.json").read_text())
        except (OSError, ValueError):
            return None
        return record

    def stop(self) -> None:
        """End everything as a user's SIGTERM would, and whatever is left by force."""
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            try:
                self._server.wait(30)
            except subprocess.TimeoutExpired:
                self._server.kill()
        for process in self.processes():
            process.kill()

    def get(self, path: str, **parameters: Any) -> Any:
        """GET, as JSON."""
        response = self._http.get(path, params=parameters)
        assert response.is_success, response.text
        return response.json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST, as JSON."""
        response = self._http.post(path, json=body or {})
        assert response.is_success, response.text
        return response.json()

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """Return everything that has happened to a job until now."""
        found: list[dict[str, Any]] = []
        with self._http.sse(f"/api/jobs/{job_id}/events") as stream:
            for event in stream:
                if event.data:
                    found.append(json.loads(event.data))
                    if found[-1]["type"] in ("job.succeeded", "job.failed", "job.cancelled"):
                        return found
        return found

    def processes(self) -> list[psutil.Process]:
        """Return all our processes that live."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            return any(str(self.data) in part for part in process.cmdline()) and "-m" in process.cmdline()
        except psutil.Error:
            return False

    def find(self, module: str, *words: str) -> psutil.Process | None:
        """Return our living process that runs a module."""
        for process in self.processes():
            try:
                line = process.cmdline()
            except psutil.Error:
                continue
            if module in line and all(word in line for word in words):
                return process
        return None

    def server(self) -> psutil.Process | None:
        """Return the web server's process."""
        return self.find("fluxtune", "serve")

    def worker(self) -> psutil.Process | None:
        """Return the worker's process."""
        return self.find("fluxtune.worker")

    def trainer(self) -> psutil.Process | None:
        """Return the trainer's process."""
        return self.find("fluxtune.engine", "train")

    def generator(self) -> psutil.Process | None:
        """Return the generator's process."""
        worker = self.worker()
        for child in worker.children() if worker is not None else []:
            if "generate" in child.cmdline():
                return child
        return None

    def kill(self, *processes: psutil.Process | None) -> None:
        """Kill -9, all at once; return when they are gone."""
        living = [process for process in processes if process is not None]
        for process in living:
            process.send_signal(signal.SIGKILL)
        if self._server is not None and any(process.pid == self._server.pid for process in living):
            self._server.wait()
        psutil.wait_procs(living, timeout=10)
