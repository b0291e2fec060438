"""An HTTPRoute that was lent to a rollout, as it was before: the same as `gateway-route.ts` does, for the guardian."""

from __future__ import annotations

import copy
import json
from typing import Any, NamedTuple

BORROWED = "mlship.dev/borrowed"
EPOCH = "mlship.dev/epoch"

Json = dict[str, Any]


class Backends(NamedTuple):
    """Names of the Services that a route of the model can lead to."""

    users: str
    stable: str
    canary: str


def is_lent(route: Json) -> bool:
    return BORROWED in (route["metadata"].get("annotations") or {})


def given_back(route: Json, backends: Backends) -> Json:
    """The route with the backends that it had; what somebody else changed meanwhile stays. The annotation stays."""
    route = copy.deepcopy(route)
    before = _original(route).get("spec", {}).get("rules") or []
    for index, rule in enumerate(route["spec"].get("rules") or []):
        lent = rule.get("backendRefs") or []
        if not any(_is_one(entry, backends.stable, backends.canary) for entry in lent):
            continue
        rule["backendRefs"] = _found(lent, index, before, backends) or _joined(lent, backends)
    return route


def without_trace(route: Json) -> Json:
    """The route without annotations of ours, owned by whoever owned it; its status is the gateway's as it is now."""
    original = _original(route)
    route = copy.deepcopy(route)
    metadata = route["metadata"]
    annotations = metadata.pop("annotations", None) or {}
    kept = {name: value for name, value in annotations.items() if name not in (BORROWED, EPOCH)}
    if kept:
        metadata["annotations"] = kept
    earlier = [entry for entry in original.get("managedFields") or [] if entry.get("subresource") != "status"]
    of_status = [entry for entry in metadata.get("managedFields") or [] if entry.get("subresource") == "status"]
    if earlier:
        metadata["managedFields"] = [*earlier, *of_status]
    return route


def is_accepted(route: Json) -> bool:
    """Whether every gateway that speaks for the route has taken over this generation of it."""
    generation = route["metadata"].get("generation", 0)
    parents = (route.get("status") or {}).get("parents") or []
    return len(parents) > 0 and all(_has_taken(parent, generation) for parent in parents)


def _has_taken(parent: Json, generation: int) -> bool:
    conditions = {each["type"]: each for each in parent.get("conditions") or []}
    return all(
        name in conditions
        and conditions[name]["status"] == "True"
        and conditions[name].get("observedGeneration", 0) >= generation
        for name in ("Accepted", "ResolvedRefs")
    )


def _original(route: Json) -> Json:
    text = (route["metadata"].get("annotations") or {}).get(BORROWED, "{}")
    try:
        original = json.loads(text)
    except ValueError:
        return {}
    return original if isinstance(original, dict) else {}


def _found(lent: list[Json], index: int, before: list[Json], backends: Backends) -> list[Json] | None:
    """The original backends of a rule: of the one in its place, or of one that looks the same."""
    shape = _shape(lent, backends)
    for rule in [*before[index : index + 1], *before]:
        refs = rule.get("backendRefs") or []
        if _shape(refs, backends) == shape:
            return refs
    return None


def _joined(lent: list[Json], backends: Backends) -> list[Json]:
    """Without its original: everything that goes to the model goes to its users' Service."""
    return [
        {**entry, "name": backends.users} if _is_one(entry, backends.stable) else entry
        for entry in lent
        if not _is_one(entry, backends.canary)
    ]


def _shape(entries: list[Json], backends: Backends) -> list[Json]:
    joined = _joined(entries, backends)
    return [{name: value for name, value in entry.items() if name != "weight"} for entry in joined]


def _is_one(entry: Json, *names: str) -> bool:
    return entry.get("group", "") == "" and entry.get("kind", "Service") == "Service" and entry["name"] in names
