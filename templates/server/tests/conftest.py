"""Bundles made in a temporary folder, and real servers and scorers on them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

PACKAGE = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}
sys.path.insert(0, str(PACKAGE))

# Everything a format's loader would do, without a library that takes seconds to import.
PLAIN_HANDLER = """
import numpy as np
def load(folder): return 2.0
def preprocess(columns): return np.column_stack([columns["a"], columns["b"]])
def predict(model, inputs): return inputs.sum(axis=1) * model
"""


def columns(*names: str, type: str = "float64", nullable: bool = False) -> list[dict[str, Any]]:
    return [{"name": name, "type": type, "nullable": nullable} for name in names]


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle; what is not given is that of a plain handler with inputs a and b."""

    def write(entry: bytes | None = None, handler: str | None = PLAIN_HANDLER, **changes: Any) -> Path:
        folder = tmp_path / f"bundle-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        document: dict[str, Any] = {
            "schema": "mlship.bundle/v1",
            "name": "test",
            "version": "1.2.3",
            "digest": "sha256:" + "a" * 64,
            "format": "sklearn",
            "entry": "model.bin",
            "handler": None if handler is None else "handler.py",
            "task": "regression",
            "classes": None,
            "inputs": columns("a", "b"),
            "libraries": {},
            "allowed": [],
            **changes,
        }
        (folder / "mlship.json").write_text(json.dumps(document))
        (folder / document["entry"]).write_bytes(entry or b"none")
        if handler is not None:
            (folder / "handler.py").write_text(handler)
        return folder

    return write


class Server:
    """A running `mlship_server serve`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlship_server", "serve", str(folder), *options],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        # Read all along: a server whose log nobody reads would stop at a full pipe.
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        if not line:
            self.end()
            self.reader.join(10)
        assert line, f"the server did not listen: {self.end()} {self.log}"
        self.listening = json.loads(line)["listening"]
        self.port: int = self.listening["port"]

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def ask(
        self, path: str, body: Any = None, method: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON decoded where it is JSON) and headers. A body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method or ("GET" if body is None else "POST"), path, sent, headers or {})
            response = connection.getresponse()
            content = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            if found.get("content-type") == "application/json" and content:
                return response.status, json.loads(content), found
            return response.status, content.decode(), found
        finally:
            connection.close()

    def predict(self, body: Any) -> tuple[int, Any]:
        return self.ask("/predict", body)[:2]

    def until_ready(self) -> "Server":
        self.until(lambda: self.ask("/health/ready")[0] == 200)
        return self

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"the server ended: {self.log}"
            assert time.monotonic() < end, f"this did not come true: {self.log}"
            time.sleep(0.02)

    def metric(self, name: str) -> float:
        """Sum of a metric's samples; the name may hold labels."""
        text = self.ask("/metrics")[1]
        found = re.findall(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))

    def end(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    with contextlib.ExitStack() as stack:

        def start(folder: Path, *options: str) -> Server:
            server = Server(folder, "--drain-seconds", "5", *options)
            stack.callback(stop, server)
            return server

        def stop(server: Server) -> None:
            if server.process.poll() is None:
                server.process.kill()
            server.process.wait()

        yield start


def run_score(folder: Path, *requests: Any) -> tuple[list[Any], str, int]:
    """The lines that `score` wrote, what it logged, and its exit code."""
    lines = "".join(f"{json.dumps(request)}\n" for request in requests)
    ran = subprocess.run(
        [sys.executable, "-m", "mlship_server", "score", str(folder)],
        env=ENVIRONMENT,
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr, ran.returncode
