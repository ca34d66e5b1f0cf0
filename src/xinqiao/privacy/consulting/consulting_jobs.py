"""The two computations of a data project as manifests: coverage by private count, and data value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import ValidationError

from xinqiao.db.database import new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import user_error
from xinqiao.privacy.agreement.rules import Peer
from xinqiao.privacy.job.manifest import Consents, Input, Manifest, Party

ROWS = (100, 10_000_000)
"""Bounds of each side's rows: a count about fewer tells of single subjects."""
VALID = timedelta(days=7)
_GRANTED = Consents(basis="subjects", missing="leave_out")


@dataclass(frozen=True, slots=True)
class Matched:
    """By which column of which source the two sides' rows are matched."""

    own_source: str
    own_key: str
    peer_source: str
    peer_key: str
    key_kind: Literal["uscc", "person", "phone", "text"]


def coverage(me: Peer, peer: Peer, by: Matched, purpose: str) -> Manifest:
    """How many subjects both have, and not which. Raises UserError PRV-MANIFEST for names that are none."""
    parties = [_party(me, "holder", _brought(by, own=True)), _party(peer, "holder", _brought(by, own=False))]
    return _manifest("intersection", purpose, parties, {"result_to": "all", "count": True})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a data-value run reads: the outcome (0 or 1) and features of ours, features of theirs."""

    label: str
    own: tuple[str, ...]
    theirs: tuple[str, ...]


def value(me: Peer, peer: Peer, third: Peer | None, by: Matched, asked: Asked, *, purpose: str) -> Manifest:
    """What their features add to ours. ``third``: the node that deals randomness, where one is allowed.

    Raises UserError PRV-MANIFEST.
    """
    parties = [
        _party(me, "bank", _brought(by, (asked.label, *asked.own), own=True)),
        _party(peer, "holder", _brought(by, asked.theirs, own=False)),
    ]
    if third is not None:
        parties.append(_party(third, "dealer", None))
    return _manifest("data_value", purpose, parties, {"label": asked.label})


def _brought(by: Matched, columns: Sequence[str] = (), *, own: bool) -> dict[str, Any]:
    return {
        "source": by.own_source if own else by.peer_source,
        "key": by.own_key if own else by.peer_key,
        "key_kind": by.key_kind,
        "columns": tuple(columns),
        "rows_at_least": ROWS[0],
        "rows_at_most": ROWS[1],
        "consents": _GRANTED,
    }


def _party(who: Peer, role: str, brought: dict[str, Any] | None) -> dict[str, Any]:
    return {**who.model_dump(), "role": role, "input": brought}


def _manifest(kind: str, purpose: str, parties: list[dict[str, Any]], params: dict[str, Any]) -> Manifest:
    try:
        told = tuple(
            Party(**{**one, "input": None if one["input"] is None else Input(**one["input"])})
            for one in parties
        )
        return Manifest(
            job=new_id(),
            kind=kind,
            version=1,
            purpose=purpose,
            parties=told,
            params=params,
            made_by=told[0].name,
            expires=now() + VALID,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise user_error("PRV-MANIFEST", kind, detail=f"{place}: {first['msg']}") from error
