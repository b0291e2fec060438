"""`fetch` against an S3 server of its own that misbehaves on demand."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from conftest import ENVIRONMENT
from mlship_server import fetch as module
from mlship_server.errors import LoadError
from mlship_server.fetch import PIECE, blob_key, endpoint_of, fetch

STORE = "s3://models/fraud"
SMALL = b"small"
LARGE = os.urandom(PIECE * 2 + 12345)


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Store:
    """An S3 server that holds blobs; `faults` decides per key and attempt what goes wrong."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.faults: Callable[[str, int], str | None] = lambda key, attempt: None
        self.stalls_from: int | None = None
        self.attempts: Counter[str] = Counter()
        self.sent = 0
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                store.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        key = request.path.removeprefix("/models/fraud/")
        start, end = request.headers["range"].removeprefix("bytes=").split("-")
        self.attempts[key] += 1
        fault = self.faults(key, self.attempts[key])
        if fault is not None and fault.isdigit():
            return self.refuse(request, int(fault), "AccessDenied" if fault == "403" else "Wrong")
        if key not in self.objects:
            return self.refuse(request, 404, "NoSuchKey")
        whole = self.objects[key]
        if int(start) >= len(whole):
            return self.refuse(request, 416, "InvalidRange")
        body = whole[int(start) : int(end) + 1]
        request.send_response(206)
        request.send_header("content-length", str(len(body)))
        request.send_header("content-range", f"bytes {start}-{int(start) + len(body) - 1}/{len(whole)}")
        request.send_header("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT")
        request.send_header("etag", '"e"')
        request.end_headers()
        if fault == "cut":
            body = body[: len(body) // 2]
            request.close_connection = True
        if self.stalls_from is not None and int(start) >= self.stalls_from:
            time.sleep(60)
        request.wfile.write(body)
        self.sent += len(body)

    def refuse(self, request: http.server.BaseHTTPRequestHandler, status: int, code: str) -> None:
        body = f"<Error><Code>{code}</Code></Error>".encode()
        request.send_response(status)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    store = Store()
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{store.server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    before = signal.getsignal(signal.SIGTERM)
    yield store
    signal.signal(signal.SIGTERM, before)
    store.server.shutdown()
    store.server.server_close()


@pytest.fixture
def model(store: Store, tmp_path: Path) -> Callable[..., list[str]]:
    """Stores a model's files; the arguments of `fetch` for it."""

    def make(**files: bytes) -> list[str]:
        listed = []
        for name, data in files.items():
            store.objects[blob_key(sha256(data))] = data
            listed.append({"path": name.replace("__", "/"), "size": len(data), "sha256": sha256(data)})
        return listing(tmp_path / "files.json", listed)

    return make


def listing(path: Path, files: list[dict[str, Any]]) -> list[str]:
    canonical = json.dumps(files, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    path.write_text(json.dumps({"schema": "mlship.model-files/v1", "files": files}))
    return [str(path), sha256(canonical.encode())]


def bring(arguments: list[str], folder: Path, store: str = STORE) -> dict[str, bytes]:
    files, digest = arguments
    assert fetch(store, Path(files), digest, folder) == 0
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_fetches_files_of_all_sizes(model: Any, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "model"
    files = {"a__b.bin": LARGE, "c.json": SMALL, "empty": b"", "exact": LARGE[:PIECE]}
    assert bring(model(**files), folder) == {name.replace("__", "/"): data for name, data in files.items()}
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in folder.rglob("*") if path.is_file())
    assert not (folder / ".fetching").exists()
    said = capsys.readouterr().err
    assert "fetched 4 files" in said and "very-secret" not in said


def test_fetches_nothing_twice(store: Store, model: Any, tmp_path: Path) -> None:
    arguments = model(a=LARGE, b=SMALL)
    bring(arguments, tmp_path / "model")
    before = store.sent
    bring(arguments, tmp_path / "model")
    assert store.sent == before


@pytest.mark.parametrize("fault", ["cut", "500", "503", "429"])
def test_a_fault_that_passes_is_tried_again(store: Store, model: Any, tmp_path: Path, fault: str) -> None:
    store.faults = lambda key, attempt: fault if attempt in (1, 3) else None
    assert bring(model(a=LARGE, b=SMALL), tmp_path / "model") == {"a": LARGE, "b": SMALL}
    assert max(store.attempts.values()) > 3


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("403", "refuses to be read (403 AccessDenied): allow s3:GetObject to the pod's identity"),
        ("400", "refuses to be read (400 Wrong): check region and endpoint"),
        ("404", "is not in s3://models/fraud: upload the release again"),
        ("500", "tried 7 times: the store answered 500 Wrong"),
        ("cut", "tried 7 times: the connection failed or took too long"),
    ],
)
def test_a_fault_that_stays_is_one_line(
    store: Store, model: Any, tmp_path: Path, fault: str, says: str
) -> None:
    store.faults = lambda key, attempt: fault
    with pytest.raises(LoadError) as caught:
        bring(model(a=SMALL), tmp_path / "model")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) and "very-secret" not in str(caught.value)
    assert "a" not in contents(tmp_path / "model")
    # What will not pass is asked for once.
    assert max(store.attempts.values()) == (1 if fault.startswith("4") else 7)


def test_changed_bytes_are_refused_and_never_under_their_name(
    store: Store, model: Any, tmp_path: Path
) -> None:
    arguments = model(a=LARGE)
    store.objects[blob_key(sha256(LARGE))] = LARGE[:-1] + bytes([LARGE[-1] ^ 1])
    with pytest.raises(LoadError, match="has the digest sha256:.* instead of"):
        bring(arguments, tmp_path / "model")
    assert contents(tmp_path / "model") == {}


def test_a_short_object_is_refused(store: Store, model: Any, tmp_path: Path) -> None:
    arguments = model(a=LARGE)
    for length in (len(LARGE) - 1, PIECE):
        store.objects[blob_key(sha256(LARGE))] = LARGE[:length]
        with pytest.raises(LoadError, match="is shorter than it was"):
            bring(arguments, tmp_path / "model")


def test_goes_on_where_a_killed_run_ended(store: Store, model: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    files, digest = model(a=LARGE)
    # The second piece never comes: the first is on disk when the process dies.
    store.stalls_from = PIECE
    command = [sys.executable, "-m", "mlship_server", "fetch", "--from", STORE, "--files", files]
    environment = {**ENVIRONMENT, **{name: os.environ[name] for name in os.environ if "AWS" in name}}
    process = subprocess.Popen([*command, "--digest", digest, "--to", str(folder)], env=environment)
    part = folder / ".fetching" / sha256(LARGE).removeprefix("sha256:")
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size >= PIECE) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert part.stat().st_size == PIECE
    assert list(contents(folder)) == [f".fetching/{part.name}"]
    assert store.sent == PIECE
    store.stalls_from = None
    assert bring([files, digest], folder) == {"a": LARGE}
    assert store.sent == len(LARGE)


def test_a_part_of_other_bytes_is_fetched_anew(model: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / ".fetching").mkdir(parents=True)
    for length in (len(LARGE), len(LARGE) + 5, 100):
        (folder / ".fetching" / sha256(LARGE).removeprefix("sha256:")).write_bytes(b"x" * length)
        assert bring(model(a=LARGE), folder) == {"a": LARGE}
        (folder / "a").unlink()
        (folder / ".fetching").mkdir()


def test_a_file_of_another_model_is_refused(model: Any, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.bin").write_bytes(b"old")
    with pytest.raises(LoadError, match="'old.bin', which is no file of this model"):
        bring(model(a=SMALL), tmp_path / "model")


def test_ends_at_once_when_told_to(store: Store, model: Any, tmp_path: Path) -> None:
    files, digest = model(a=SMALL)
    store.stalls_from = 0
    command = [sys.executable, "-m", "mlship_server", "fetch", "--from", STORE, "--files", files]
    environment = {**ENVIRONMENT, **{name: os.environ[name] for name in os.environ if "AWS" in name}}
    arguments = [*command, "--digest", digest, "--to", str(tmp_path / "model")]
    process = subprocess.Popen(arguments, env=environment)
    deadline = time.monotonic() + 30
    while not store.attempts and time.monotonic() < deadline:
        time.sleep(0.01)
    process.terminate()
    assert process.wait(timeout=20) == 128 + signal.SIGTERM


@pytest.mark.parametrize("path", ["../up", "/abs", "a//b", ".", "", "a/../../b", ".fetching/x"])
def test_a_path_outside_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    arguments = listing(tmp_path / "l.json", [{"path": path, "size": 5, "sha256": sha256(SMALL)}])
    with pytest.raises(LoadError, match="no path inside a folder"):
        bring(arguments, tmp_path / "model")


def test_a_list_that_was_changed_is_refused(model: Any, tmp_path: Path) -> None:
    files, _ = model(a=SMALL)
    with pytest.raises(LoadError, match="it was changed"):
        bring([files, sha256(b"other")], tmp_path / "model")
    Path(files).write_text("{")
    with pytest.raises(LoadError, match="is not a list of a model's files"):
        bring([files, sha256(b"other")], tmp_path / "model")


@pytest.mark.parametrize("url", ["models/fraud", "https://models/fraud", "s3://", "s3:///fraud"])
def test_what_is_no_store_is_refused(model: Any, tmp_path: Path, url: str) -> None:
    with pytest.raises(LoadError, match="is not a store such as"):
        bring(model(a=SMALL), tmp_path / "model", url)


def test_a_server_that_is_not_there(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(LoadError, match="the connection failed or took too long"):
        bring(model(a=SMALL), tmp_path / "model")


@pytest.mark.parametrize(("style", "expected"), [("true", "https://b.s3.test:9000"), ("", "https://s3.test:9000")])
def test_the_bucket_stands_in_the_address_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, style: str, expected: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.test:9000")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://other.test")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", style)
    assert endpoint_of("b") == expected


def test_half_of_the_credentials(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(LoadError, match="^cannot read s3://models/fraud: .*Missing AccessKeyId$"):
        bring(model(a=SMALL), tmp_path / "model")


def test_no_credentials(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    # Where ECS and EKS Pod Identity would give some: this server has none.
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{os.environ['AWS_ENDPOINT_URL']}/none")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    (tmp_path / "token").write_text("token")
    with pytest.raises(LoadError, match="no credentials for s3://models/fraud"):
        bring(model(a=SMALL), tmp_path / "model")
