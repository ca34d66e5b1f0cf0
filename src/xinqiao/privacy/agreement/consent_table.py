"""Grants as their issuer writes them in a table (CSV), made into the list that it signs.

Columns: ``subject``, ``receiver``, ``purpose``, ``until`` (a day, itself included, or a time; China's where
it names no zone) and, where some are revocations, ``revoked`` (empty or yes).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path

from pydantic import ValidationError

from xinqiao.kernel.clock import CHINA, now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.privacy.agreement.consents import GRANTS_AT_MOST, ConsentList, Granted, signed_list
from xinqiao.privacy.agreement.signing import Identity
from xinqiao.privacy.job.keys import KeyKind

NEEDED = ("subject", "receiver", "purpose", "until")
REVOKED = {"": False, "no": False, "false": False, "0": False, "否": False}
REVOKED |= {"yes": True, "true": True, "1": True, "是": True}


def issued(file: Path, identity: Identity, kind: KeyKind) -> ConsentList:
    """The list of the table in ``file``, made now and signed by ``identity``.

    Raises UserError PRV-CONSENT-LIST naming the line.
    """
    grants = tuple(_grants(file))
    told = ConsentList(issuer=identity.name, made_at=now(), key_kind=kind, grants=grants)
    return signed_list(told, identity)


def _grants(file: Path) -> Iterator[Granted]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            table = csv.DictReader(opened)
            if missing := [name for name in NEEDED if name not in (table.fieldnames or ())]:
                fail("PRV-CONSENT-LIST", str(file), detail=", ".join(missing))
            for count, row in enumerate(table, 1):
                if count > GRANTS_AT_MOST:
                    fail("PRV-CONSENT-LIST", str(file), detail=f"> {GRANTS_AT_MOST}")
                yield _granted(row, f"{file}:{table.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise user_error("PRV-CONSENT-LIST", str(file), detail=str(error)) from error


def _granted(row: Mapping[str, str | None], where: str) -> Granted:
    told = {name: (row.get(name) or "").strip() for name in (*NEEDED, "revoked")}
    revoked = REVOKED.get(told["revoked"].lower())
    if revoked is None:
        fail("PRV-CONSENT-LIST", where, detail=f"revoked: {told['revoked'][:20]}")
    try:
        return Granted(
            subject=told["subject"],
            receiver=told["receiver"],
            purpose=told["purpose"],
            until=_until(told["until"]),
            revoked=revoked,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        detail = f"{'.'.join(map(str, first['loc']))} {first['msg']}"
        raise user_error("PRV-CONSENT-LIST", where, detail=detail) from None  # the cause would show subjects
    except ValueError:
        fail("PRV-CONSENT-LIST", where, detail=f"until: {told['until'][:40]}")


def _until(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=CHINA)
    return datetime.combine(day + timedelta(days=1), time(), CHINA)
