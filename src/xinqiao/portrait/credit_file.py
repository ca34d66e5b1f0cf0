"""The credit file: what the platform knows of one firm as of a date, ready to be served in milliseconds.

A run publishes files (``run.publish``); each later date replaces what is served, older ones stay. A file is
read only through ``read``: a grant is asked for, and what the grant doesn't cover is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from xinqiao.account.actor import Actor
from xinqiao.consent.access import Permit, permit
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail

SCORE = "SCORE"
"""The data set of what is made of all sources together: score, radar, tags."""
PARTS = ("contributions", "reasons")
"""What a score lists variable by variable."""
LEADS = "LEADS"
"""The data set of fraud leads and the graph around a firm."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Part):
    """One indicator: its value, or the reason code (and detail) why there is none; ``flagged``: red flag."""

    value: float | None = None
    missing: str | None = None
    detail: str | None = None
    flagged: bool = False


class Month(_Part):
    """A month of trading in CNY; for forecasts ``low`` and ``high`` bound 8 of 10."""

    month: date
    sales: float | None = None
    purchases: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Edge(_Part):
    """A tie around the firm: ``kind`` is what joins the two (holding, guarantee, invoice, person, ...)."""

    source: str
    target: str
    kind: str
    cents: int | None = None
    count: int | None = None
    share: float | None = None


class Register(_Part):
    """What the public register says; known to anybody."""

    name: str
    uscc: str | None = None
    kind: str | None = None
    status: str | None = None
    industry: str | None = None
    division: str | None = None
    established_on: date | None = None
    size: str | None = None
    peer_group: str | None = None


class CreditFile(_Part):
    """All of one firm. ``score``: ``points``, ``pd``, ``grade``, ``contributions`` as in decision records.

    ``indicators`` by id; ``radar``, ``strengths`` of 0 to 100 by dimension; ``tags`` held; ``months`` past
    trading; ``ahead`` forecasts by series; ``news`` negative articles by month; ``leads`` as in
    ``relation.leads``; ``sources``: contract -> rows, first, last.
    """

    company_id: str
    as_of: date
    generated: bool
    model_id: str
    register_: Register
    in_default: bool = False
    indicators: dict[str, Value] = {}
    score: dict[str, Any] | None = None
    radar: dict[str, float] = {}
    radar_peers: str | None = None
    tags: tuple[str, ...] = ()
    unknown_tags: tuple[str, ...] = ()
    months: tuple[Month, ...] = ()
    ahead: dict[str, tuple[Month, ...]] = {}
    news: tuple[dict[str, Any], ...] = ()
    leads: tuple[dict[str, Any], ...] = ()
    edges: tuple[Edge, ...] = ()
    names: dict[str, str] = {}
    sources: dict[str, dict[str, Any]] = {}

    def within(self, data_sets: frozenset[str]) -> CreditFile:
        """What a grant of ``data_sets`` (source codes, SCORE, LEADS) lets its receiver see.

        The register is public. Months and forecasts come from invoices and account flows.
        """
        known = indicators()
        kept = {k: v for k, v in self.indicators.items() if k in known and known[k].source in data_sets}
        hidden: dict[str, Any] = {"indicators": kept}
        if SCORE not in data_sets:
            hidden |= {"score": None, "radar": {}, "radar_peers": None, "tags": (), "unknown_tags": ()}
        elif self.score is not None:
            hidden["score"] = _cut(self.score, kept)
        if LEADS not in data_sets:
            hidden |= {"leads": (), "edges": (), "names": {}, "in_default": False}
        if "INV" not in data_sets:
            hidden["months"] = ()
        wanted = {"sales": "INV", "cash": "BNK"}
        hidden["ahead"] = {k: v for k, v in self.ahead.items() if wanted.get(k) in data_sets}
        if "OPN" not in data_sets:
            hidden["news"] = ()
        return self.model_copy(update=hidden)


def _cut(score: dict[str, Any], kept: Collection[str]) -> dict[str, Any]:
    """A score without what each source not covered has added to it: the bins would tell its values."""
    known = indicators()

    def covered(part: dict[str, Any]) -> bool:
        name = part.get("variable") or part.get("indicator")
        return name not in known or name in kept

    lists = {key: [part for part in score[key] if covered(part)] for key in PARTS if key in score}
    return score | lists


def publish(tx: Tx, files: Iterable[CreditFile], models: Iterable[tuple[str, bytes]] = ()) -> int:
    """Serve ``files`` from now on (scope SYSTEM), and ``models`` by id with their exact bytes.

    The same file again changes nothing. Returns how many files were new.
    """
    new = 0
    for model_id, data in models:
        tx.execute(
            "INSERT INTO model (id, body) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", [model_id, data]
        )
    for file in files:
        told = file.model_dump(mode="json")
        key = digest(canonical_json(told))
        made = tx.execute(
            "INSERT INTO credit_file (company_id, as_of, digest, body) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (company_id, as_of, digest) DO NOTHING RETURNING id",
            [file.company_id, file.as_of, key, Jsonb(told)],
        ).fetchone()
        new += made is not None
        r = file.register_
        tx.execute(
            "INSERT INTO company (id, name, uscc, kind, status, industry, division, size, established_on) "
            "VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s) ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
            "uscc = excluded.uscc, kind = excluded.kind, status = excluded.status, "
            "industry = excluded.industry, division = excluded.division, size = excluded.size",
            [
                file.company_id,
                r.name,
                r.uscc,
                r.kind,
                r.status,
                r.industry,
                r.division,
                r.size,
                r.established_on,
            ],
        )
    return new


def read(
    tx: Tx, actor: Actor, company_id: str, purpose: str, *, wanted: Collection[str] | None = None
) -> tuple[CreditFile, Permit]:
    """The latest file of ``company_id`` as far as ``actor`` may see it for ``purpose``.

    ``wanted``: only these data sets, all of which must be covered. The read stands in the query log and the
    evidence log. Raises UserError CST-FORBIDDEN (no grant) and PTR-ABSENT (no file).
    """
    allowed = permit(tx, actor, company_id, purpose, wanted)
    return latest(tx, company_id).within(allowed.data_sets), allowed


def latest(tx: Tx, company_id: str) -> CreditFile:
    """The latest file, whole: for the platform's own work (matching, decisions) only.

    Raises UserError PTR-ABSENT.
    """
    with acting(tx, SYSTEM):
        found = tx.execute(
            "SELECT body FROM credit_file WHERE company_id = %s ORDER BY as_of DESC, id DESC LIMIT 1",
            [company_id],
        ).fetchone()
    if found is None:
        fail("PTR-ABSENT", company_id)
    return CreditFile.model_validate(found["body"])


def model_bytes(tx: Tx, model_id: str) -> bytes:
    """The exact bytes of a published model. Raises UserError PTR-ABSENT."""
    found = tx.execute("SELECT body FROM model WHERE id = %s", [model_id]).fetchone()
    if found is None:
        fail("PTR-ABSENT", model_id)
    return bytes(found["body"])
