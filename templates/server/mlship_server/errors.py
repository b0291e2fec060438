"""The two ways in which the server says no: to starting, and to a request."""

from __future__ import annotations

from typing import Any

import msgspec


class LoadError(Exception):
    """The bundle cannot be served. The message says what is wrong and what to do."""


class Refusal(Exception):
    """A request that gets an error instead of predictions. Never holds a value of the request."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def document(self) -> dict[str, Any]:
        """`{"error": {code, message, ...}}` as it is sent."""
        return {"error": {"code": self.code, "message": self.message, **self.details}}

    def body(self) -> bytes:
        return msgspec.json.encode(self.document())
