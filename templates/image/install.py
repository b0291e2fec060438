"""Installs uv, or with it the distributions of mlship.lock, into a folder: `install.py uv|distributions`.

Runs in a build stage of the Dockerfile. Private indexes come as secret mounts, one file per variable of
uv's, so that no address and no password is in the image, in its history or in the Dockerfile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BUILD = Path("/build")
SECRETS = Path("/run/secrets")
# uv names platforms by the oldest glibc that wheels may ask for: 2.28, as in Debian 10 and RHEL 8.
PLATFORMS = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}


def main() -> int:
    """Returns the exit code of the installer."""
    if sys.argv[1] == "uv":
        options = ["--target", "/uv", "--requirement", str(BUILD / "uv.txt")]
        quiet = ["--quiet", "--no-cache-dir", "--disable-pip-version-check", "--root-user-action", "ignore"]
        return run([sys.executable, "-m", "pip", "install", *quiet, *hashed(), *options])
    target = os.environ["TARGETARCH"]
    minor = ".".join(map(str, sys.version_info[:2]))
    wanted = (BUILD / "python.txt").read_text(encoding="ascii").strip()
    if minor != wanted:
        print(f"install.py: the base has Python {minor}, and mlship.lock was made for {wanted}", file=sys.stderr)
        return 1
    wheels = ["--requirements", str(BUILD / f"requirements-{target}.txt"), "--python-platform", PLATFORMS[target]]
    place = ["--target", "/installed", "--cache-dir", "/cache", "--link-mode", "copy", "--no-config"]
    # The certificates of the base, where it has some: a company's proxy is trusted by those.
    trust = ["--system-certs"] if Path("/etc/ssl/certs/ca-certificates.crt").exists() else []
    uv = ["/uv/bin/uv", "pip", "install", "--no-progress", *trust, "--python", sys.executable, "--python-version", minor]
    return run([*uv, *hashed(), *place, *wheels])


def hashed() -> list[str]:
    """Nothing but what the lock names. Only wheels: where the lock has a source, a line of the requirements says so."""
    return ["--no-deps", "--require-hashes", "--only-binary", ":all:"]


def run(command: list[str]) -> int:
    """Runs it with the variables that the secrets hold."""
    secrets = {file.name: file.read_text(encoding="utf-8").strip() for file in SECRETS.glob("*") if file.is_file()}
    index = secrets.get("UV_DEFAULT_INDEX") or secrets.get("UV_INDEX_URL")
    pip = {} if index is None else {"PIP_INDEX_URL": index}
    return subprocess.run(command, env={**os.environ, **pip, **secrets}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
