"""The API server as a pod sees it: the objects that the guardian may read and write, by the token of its account."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from .errors import LoadError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS = 5.0

Json = dict[str, Any]

GROUPS = {
    "events": "api/v1",
    "services": "api/v1",
    "jobs": "apis/batch/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "httproutes": "apis/gateway.networking.k8s.io/v1",
}


class Refused(Exception):
    """The API server did not do what it was asked to."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status


class Place(NamedTuple):
    """Where the API server is, and the account that asks it."""

    host: str
    port: int
    namespace: str
    # Read anew for each request: the kubelet changes it about once an hour.
    token: Path
    # None for plain HTTP.
    trust: ssl.SSLContext | None


def inside() -> Place:
    """The API server of the cluster that this pod runs in. Raises LoadError outside of one."""
    try:
        return Place(
            os.environ["KUBERNETES_SERVICE_HOST"],
            int(os.environ["KUBERNETES_SERVICE_PORT"]),
            (ACCOUNT / "namespace").read_text(),
            ACCOUNT / "token",
            ssl.create_default_context(cafile=ACCOUNT / "ca.crt"),
        )
    except (KeyError, OSError, ValueError) as error:
        raise LoadError(f"this is no pod with an account of its own: {error}") from error


class Api:
    """Objects of one namespace. Every call may raise Refused, OSError or http.client.HTTPException."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def namespace(self) -> str:
        return self._place.namespace

    def read(self, kind: str, name: str) -> Json | None:
        """None when there is no such object."""
        try:
            return self._ask("GET", kind, name)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def replace(self, kind: str, thing: Json) -> Json:
        """Its `resourceVersion` is a precondition: Refused with 409 when another writer came first."""
        return self._ask("PUT", kind, thing["metadata"]["name"], thing)

    def create(self, kind: str, thing: Json) -> Json:
        return self._ask("POST", kind, "", thing)

    def remove(self, kind: str, name: str, resource_version: str) -> None:
        """With its dependents, in the background, unless it has changed."""
        options = {"propagationPolicy": "Background", "preconditions": {"resourceVersion": resource_version}}
        self._ask("DELETE", kind, name, options)

    def _ask(self, verb: str, kind: str, name: str, body: Json | None = None) -> Json:
        place = self._place
        path = f"/{GROUPS[kind]}/namespaces/{place.namespace}/{kind}"
        if name:
            path += f"/{quote(name, safe='')}"
        if verb in ("PUT", "POST"):
            path += "?fieldManager=mlship"
        headers = {
            "accept": "application/json",
            "authorization": f"Bearer {place.token.read_text().strip()}",
            "content-type": "application/json",
        }
        connection: http.client.HTTPConnection
        if place.trust is None:
            connection = http.client.HTTPConnection(place.host, place.port, timeout=SECONDS)
        else:
            connection = http.client.HTTPSConnection(place.host, place.port, timeout=SECONDS, context=place.trust)
        try:
            connection.request(verb, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        try:
            document = json.loads(content)
        except ValueError:
            document = {}
        if answer.status >= 300:
            words = document.get("message") if isinstance(document, dict) else None
            raise Refused(answer.status, words or content[:200].decode(errors="replace"))
        return document
