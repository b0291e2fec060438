"""`python -m mlship_server score|serve BUNDLE` and `health`: reads the arguments and runs the one that was asked for."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Before any of them is imported: one model thread per process is the unit that scales, and these
# libraries size their pools from the host, not from a container's share of it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# The file system may be read-only, and a bundle must not change by being used.
sys.dont_write_bytecode = True

from .bundle import Folders, read_bundle  # noqa: E402
from .errors import LoadError  # noqa: E402
from .limits import Limits  # noqa: E402

LOAD_FAILED = 3


def arguments() -> argparse.Namespace:
    default = Limits()
    parser = argparse.ArgumentParser(prog="mlship_server", description="Scores and serves a bundle.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    score = verbs.add_parser("score", help="answer JSON lines of columns on stdin")
    score.add_argument("bundle", type=Path)
    score.add_argument(
        "--import",
        dest="modules",
        action="append",
        metavar="MODULE",
        help="import it, and read BUNDLE when a line comes on stdin; repeatable",
    )
    health = verbs.add_parser("health", help="say by the exit code whether a server on this machine is ready")
    health.add_argument("--port", type=_positive, required=True)
    serve = verbs.add_parser("serve", help="answer HTTP requests")
    serve.add_argument("bundle", type=Path)
    for verb in (score, serve):
        verb.add_argument("--model", type=Path, metavar="FOLDER", help="holds the model's files (default: BUNDLE)")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=_count, default=0, help="0 takes a free one")
    serve.add_argument("--workers", type=_positive, default=1)
    serve.add_argument("--timeout", type=_seconds, default=default.timeout, help="seconds a request may take")
    serve.add_argument("--queue", type=_positive, default=default.queue, help="requests that may wait per worker")
    serve.add_argument("--max-body", type=_positive, default=default.max_body, metavar="BYTES")
    serve.add_argument("--max-rows", type=_positive, default=default.max_rows, help="rows per request")
    serve.add_argument("--drain-seconds", type=_seconds, default=default.drain_seconds)
    serve.add_argument("--exit-with-stdin", action="store_true", help="drain and exit when stdin ends")
    fetch = verbs.add_parser("fetch", help="bring a model's files from a store and verify them")
    fetch.add_argument("--from", dest="store", required=True, metavar="S3_URL")
    fetch.add_argument("--files", type=Path, required=True, help="list of the files")
    fetch.add_argument("--digest", required=True, help="digest of the list")
    fetch.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    guard = verbs.add_parser("guard", help="take traffic off a canary that nobody drives any more")
    guard.add_argument("--lease", required=True, help="the lock of the rollout")
    guard.add_argument("--service", required=True, help="the users' address")
    guard.add_argument("--stable", required=True, metavar="SERVICE")
    guard.add_argument("--canary", required=True, metavar="SERVICE")
    guard.add_argument("--job", required=True, help="runs the canary's servers")
    guard.add_argument("--route", action="append", required=True, help="HTTPRoute that may be lent; repeatable")
    guard.add_argument("--port", type=_positive, required=True, help="of its own readiness")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _positive(text: str) -> int:
    number = _count(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be a positive number of seconds")
    return number


def main() -> int:
    options = arguments()
    try:
        if options.verb == "fetch":
            from .fetch import fetch

            return fetch(options.store, options.files, options.digest, options.to)
        if options.verb == "guard":
            from .guard import Watched, guard
            from .guard_api import Api, inside
            from .guard_route import Backends

            backends = Backends(options.service, options.stable, options.canary)
            watched = Watched(options.lease, backends, options.job, options.route)
            return guard(Api(inside()), watched, options.port)
        if options.verb == "health":
            # A scorer has no use for HTTP's modules.
            from .health import health

            return health(options.port)
        folders = Folders(options.bundle.resolve(), (options.model or options.bundle).resolve())
        if options.verb == "score":
            from .score import score

            return score(folders, options.modules)
        bundle = read_bundle(folders)
    except LoadError as error:
        print(f"mlship_server: {error}", file=sys.stderr, flush=True)
        return LOAD_FAILED
    from .serve import serve

    limits = Limits(options.timeout, options.queue, options.max_body, options.max_rows, options.drain_seconds)
    return serve(
        folders, bundle, options.host, options.port, options.workers, limits, options.exit_with_stdin
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A model thread that is stuck in native code must not keep the process from ending.
    os._exit(code)
