"""What a person is about to agree to: terms that were checked, put into the words of the text in effect."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Self
from uuid import UUID

from xinqiao.consent.terms import data_sets, ordinary_sets, purposes, special_sets
from xinqiao.consent.texts import Kind, texts
from xinqiao.db.database import Tx
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

RECEIVERS = ("bank", "guarantee")
"""Kinds of institutions that can be granted anything."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Checked terms: whose data, for whom, which, for what, until the end of which day."""

    company_id: str
    institution: UUID
    kind: Kind
    purposes: tuple[str, ...]
    data_sets: tuple[str, ...]
    until: date

    @classmethod
    def of(
        cls,
        company_id: str,
        institution: UUID,
        *,
        kind: Kind,
        for_: Collection[str],
        sets: Collection[str],
        until: date,
    ) -> Self:
        """The terms, sorted. Raises UserError CST-TERMS: unknown, empty, special among ordinary, too long."""
        known = purposes()
        allowed = special_sets() if kind == "special" else ordinary_sets()
        for code in for_:
            if code not in known or known[code].max_days == 0:
                fail("CST-PURPOSE-FORBIDDEN", code[:40], purpose=code[:40])
        for code in sets:
            if code not in allowed:
                fail("CST-TERMS", code[:40], detail=f"{kind}: {', '.join(sorted(allowed))}")
        if not for_ or not sets:
            fail("CST-TERMS", kind, detail="purposes, data sets: at least one")
        longest = min(known[code].max_days for code in for_)
        if not 0 <= (until - today()).days <= longest:
            fail("CST-TERMS", str(until), detail=f"0 <= until - today <= {longest} days")
        return cls(company_id, institution, kind, tuple(sorted(set(for_))), tuple(sorted(set(sets))), until)


@dataclass(frozen=True, slots=True)
class Draft:
    """The document: ``text`` is what is shown, ``document`` the canonical bytes, ``digest`` theirs."""

    terms: Terms
    text_id: str
    text_version: int
    text: Text
    document: bytes
    digest: str


def draft(tx: Tx, terms: Terms) -> Draft:
    """``terms`` in the words of the text in effect today. Raises UserError CST-RECEIVER, CST-TEXT."""
    name, contact = _receiver(tx, terms.institution)
    text = texts()[terms.kind]
    version = text.at(today())
    words = version.fill(
        receiver=name,
        contact=contact,
        purposes=_names([purposes()[code].name for code in terms.purposes]),
        data_sets=_names([data_sets()[code].name for code in terms.data_sets]),
        until=terms.until.isoformat(),
    )
    told = {
        "text": text.id,
        "version": version.version,
        "company": terms.company_id,
        "receiver": str(terms.institution),
        "kind": terms.kind,
        "purposes": terms.purposes,
        "data_sets": terms.data_sets,
        "until": terms.until.isoformat(),
        "zh": words.zh,
        "en": words.en,
    }
    data = canonical_json(told)
    return Draft(terms, text.id, version.version, words, data, digest(data))


def _receiver(tx: Tx, institution: UUID) -> tuple[Text, str]:
    """Name and code of an institution that can receive data. Raises UserError CST-RECEIVER."""
    found = tx.execute(
        "SELECT name, name_en, uscc, kind, status FROM institution WHERE id = %s", [institution]
    ).fetchone()
    if found is None or found["kind"] not in RECEIVERS or found["status"] != "active":
        fail("CST-RECEIVER", str(institution))
    return Text(zh=found["name"], en=found["name_en"] or found["name"]), found["uscc"]


def _names(names: list[Text]) -> Text:
    return Text(zh="、".join(n.zh for n in names), en=", ".join(n.en for n in names))
