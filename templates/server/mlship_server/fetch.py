"""`fetch`: brings a model's files from an S3 store into a folder and verifies every byte; an init container's work."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .errors import LoadError

# One request's bytes, and how many requests run at a time: 32 MiB of memory at most.
PIECE = 8 * 1024 * 1024
AT_ONCE = 4
# Attempts for one piece; the pauses between them double from half a second to eight.
ATTEMPTS = 7
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
# Where files are until they are whole and verified.
UNFINISHED = ".fetching"


class File(NamedTuple):
    path: str
    size: int
    sha256: str


class Passing(Exception):
    """A fault that another attempt may not meet."""


def fetch(store: str, files: Path, digest: str, folder: Path) -> int:
    """Fetches what `files` lists; returns once the folder holds exactly the files of `digest`."""
    # As the first process of a container it would not end by SIGTERM otherwise.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    started = time.monotonic()
    wanted = read_list(files, digest)
    read = reader_of(store)
    try:
        bring(wanted, folder, read)
    except OSError as error:
        raise LoadError(f"cannot write to {folder}: {error.strerror}") from error
    size = sum(file.size for file in wanted)
    seconds = time.monotonic() - started
    print(f"mlship_server: fetched {len(wanted)} files, {size} bytes, in {seconds:.1f} s: {digest}", file=sys.stderr)
    return 0


def read_list(path: Path, digest: str) -> list[File]:
    """The list of files, when it is the one that has this digest."""
    try:
        document = json.loads(path.read_bytes())
        listed = document["files"]
        files = [File(file["path"], file["size"], file["sha256"]) for file in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoadError(f"{path} is not a list of a model's files: {type(error).__name__}") from error
    # As mlship writes it: keys sorted, no white space.
    canonical = json.dumps(listed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if sha256_of(canonical.encode("utf-8", "surrogatepass")) != digest:
        raise LoadError(f"{path} does not list the files of {digest}: it was changed")
    for file in files:
        parts = file.path.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\0" in file.path or parts[0] == UNFINISHED:
            raise LoadError(f"{path} names {file.path!r}, which is no path inside a folder")
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", file.sha256):
            raise LoadError(f"{path} names {file.path!r} without its sha256")
    return files


def bring(files: list[File], folder: Path, read: Callable[[str, int, int], bytes]) -> None:
    """Fetches what is missing, each file under its name only when it is whole; goes on where a killed run ended."""
    unfinished = folder / UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for file in files:
            target = folder / file.path
            if target.is_file() and sha256_of_file(target) == file.sha256:
                continue
            part = unfinished / file.sha256.removeprefix("sha256:")
            download(file, part, pool, read)
            target.parent.mkdir(parents=True, exist_ok=True)
            part.chmod(0o444)
            os.replace(part, target)
    for leftover in unfinished.iterdir():
        leftover.unlink()
    unfinished.rmdir()
    names = {file.path for file in files}
    for found in folder.rglob("*"):
        name = found.relative_to(folder).as_posix()
        if not found.is_dir() and name not in names:
            raise LoadError(f"{folder} holds {name!r}, which is no file of this model: start with an empty folder")


def download(
    file: File, part: Path, pool: ThreadPoolExecutor, read: Callable[[str, int, int], bytes]
) -> None:
    """Completes the part and verifies it; one that was begun by another run gets a second chance from nothing."""
    begun = part.stat().st_size if part.exists() else 0
    found = complete(file, part, begun if begun <= file.size else 0, pool, read)
    if found != file.sha256 and begun > 0:
        found = complete(file, part, 0, pool, read)
    if found == file.sha256:
        return
    part.unlink()
    raise LoadError(
        f"{file.path!r} from the store has the digest {found} instead of {file.sha256}: "
        "the store was changed; upload the release again under a new version"
    )


def complete(
    file: File, part: Path, begun: int, pool: ThreadPoolExecutor, read: Callable[[str, int, int], bytes]
) -> str:
    """Adds what is missing after `begun` bytes; the digest of the whole."""
    key = blob_key(file.sha256)
    digest = hashlib.sha256()
    with open(part, "r+b" if begun > 0 else "w+b") as out:
        out.truncate(begun)
        for piece in iter(lambda: out.read(1 << 20), b""):
            digest.update(piece)
        for piece in ahead(pool, ranges(begun, file.size), lambda start, end: read(key, start, end)):
            digest.update(piece)
            out.write(piece)
    return f"sha256:{digest.hexdigest()}"


def ranges(start: int, end: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, PIECE):
        yield at, min(at + PIECE, end)


def ahead(
    pool: ThreadPoolExecutor, places: Iterator[tuple[int, int]], read: Callable[[int, int], bytes]
) -> Iterator[bytes]:
    """The pieces in their order, a few of them read ahead."""
    running: deque[Future[bytes]] = deque()
    try:
        for start, end in places:
            running.append(pool.submit(read, start, end))
            if len(running) >= AT_ONCE:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


def reader_of(store: str) -> Callable[[str, int, int], bytes]:
    """Reads bytes `start` to `end` of a blob in the store, several times when the fault may pass."""
    match = re.fullmatch(r"s3://([^/?#]+)(?:/([^?#]*))?", store)
    if match is None:
        raise LoadError(f"{store!r} is not a store such as s3://bucket/prefix")
    bucket, prefix = match[1], (match[2] or "").strip("/")
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise LoadError(
            "this image cannot read from S3: run mlship lock and mlship build with image.delivery: s3"
        ) from error
    endpoint = endpoint_of(bucket)
    client_options = {
        "connect_timeout": "5s",
        "timeout": "60s",
        "allow_http": bool(endpoint and endpoint.startswith("http://")),
    }
    options = {"prefix": prefix, "endpoint": endpoint}
    try:
        # Attempts are counted here, where it is known which faults may pass.
        client = S3Store(
            bucket,
            client_options=client_options,
            retry_config={"max_retries": 0},
            **{name: value for name, value in options.items() if value},
        )
    except Exception as error:  # noqa: BLE001 -- whatever it says about its settings
        raise LoadError(f"cannot read {store}: {str(error).partition(chr(10))[0]}") from error

    def read(key: str, start: int, end: int) -> bytes:
        try:
            data = bytes(client.get_range(key, start=start, end=end))
        except Exception as error:  # noqa: BLE001 -- each becomes a LoadError or another attempt
            raise fault_of(error, store, key) from error
        if len(data) != end - start:
            raise LoadError(f"{key} in {store} is shorter than it was: upload the release again")
        return data

    return lambda key, start, end: patiently(lambda: read(key, start, end), f"{key} in {store}")


def endpoint_of(bucket: str) -> str | None:
    """The address that the environment names for S3; with the bucket in it where requests have none in their path."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST") == "true":
        return endpoint.replace("://", f"://{bucket}.", 1)
    return endpoint


def patiently(read: Callable[[], bytes], what: str) -> bytes:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return read()
        except Passing as error:
            if attempt == ATTEMPTS:
                raise LoadError(f"cannot read {what}, tried {ATTEMPTS} times: {error}") from error
            print(f"mlship_server: {what}: {error}; trying again", file=sys.stderr, flush=True)
            time.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))
    raise AssertionError("unreachable")


def fault_of(error: Exception, store: str, key: str) -> Exception:
    """The client's error in one line, without its debug output."""
    text = str(error)
    status = re.search(r"status code: (\d{3})", text)
    code = re.search(r"<Code>(\w+)</Code>", text)
    said = " ".join(found[1] for found in (status, code) if found)
    if "performing" in text and key not in text.partition("\n")[0].partition(" in ")[0]:
        # The request that failed was not for the blob: the client was asking for credentials.
        what = f"no credentials for {store}: neither the environment nor the pod's identity gives any"
        return LoadError(f"{what} ({said})" if said else what)
    if code is not None and code[1] == "NoSuchBucket":
        return LoadError(f"{store} does not exist: no such bucket")
    if status is not None and status[1] == "404":
        return LoadError(f"{key} is not in {store}: upload the release again")
    if status is None:
        return Passing("the connection failed or took too long")
    number = int(status[1])
    if number == 416:
        return LoadError(f"{key} in {store} is shorter than it was: upload the release again")
    if number in (408, 429) or number >= 500:
        return Passing(f"the store answered {said}")
    hint = "allow s3:GetObject to the pod's identity" if number in (401, 403) else "check region and endpoint"
    return LoadError(f"{store} refuses to be read ({said}): {hint}")


def blob_key(sha256: str) -> str:
    """Where mlship keeps the blob, as in src/artifacts/layout.ts."""
    name = sha256.removeprefix("sha256:")
    return f"blobs/sha256/{name[:2]}/{name}"


def sha256_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"
