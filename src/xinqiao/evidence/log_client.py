"""The log over HTTP, as a witness speaks to it."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx2

from xinqiao.evidence.note import Checkpoint, Note, PublicKey, decode
from xinqiao.evidence.witness import Witness
from xinqiao.kernel.errors import user_error

MAX_PROOF = 64


class LogClient:
    """Asks a platform's log; every answer is checked by who uses it."""

    def __init__(self, web: httpx2.Client) -> None:
        self._web = web

    def key(self) -> PublicKey:
        """The key that the log says is its own."""
        for line in self._get("/api/v1/log/keys").text.splitlines():
            word, _, rest = line.partition(" ")
            if word == "log":
                return PublicKey.read(rest, str(self._web.base_url))
        raise user_error("EVD-REMOTE", str(self._web.base_url), detail="no key")

    def prove(self, old: int, new: int) -> list[bytes]:
        """The proof that the log only grew."""
        answer = self._get("/api/v1/log/consistency", old=old, new=new)
        try:
            told = answer.json()
        except ValueError:
            told = None
        parts = told.get("proof") if isinstance(told, dict) else None
        if not isinstance(parts, list) or len(parts) > MAX_PROOF:
            raise user_error("EVD-REMOTE", str(self._web.base_url), detail="proof")
        return [decode(str(part)) or b"" for part in parts]

    def round(self, witness: Witness) -> int | None:
        """Cosign what is to be cosigned now and send it back; returns the size, None if that was done before.

        Raises UserError EVD-REMOTE, and what ``Witness.cosign`` raises.
        """
        text = self._get("/api/v1/log/checkpoint/to-cosign").text
        line, note = witness.cosign(text, self.prove), Note.read(text)
        if note.signed_by(witness.key.public) is not None:
            return None
        size = Checkpoint.read(note.text).size
        key = hashlib.sha256(line.encode()).hexdigest()
        headers = {"Idempotency-Key": key}
        self._checked("POST", "/api/v1/log/cosignatures", json={"size": size, "line": line}, headers=headers)
        return size

    def _get(self, path: str, **params: int) -> httpx2.Response:
        return self._checked("GET", path, params=params)

    def _checked(self, method: str, path: str, **more: Any) -> httpx2.Response:  # noqa: ANN401 - httpx's own
        where = f"{self._web.base_url}{path}"
        try:
            answer = self._web.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise user_error("EVD-REMOTE", where, detail=str(error)[:200]) from error
        if answer.is_error:
            raise user_error("EVD-REMOTE", where, detail=f"{answer.status_code} {answer.text[:200]}")
        return answer
