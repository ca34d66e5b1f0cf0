"""API clients: programs of an institution that prove themselves by a private key (private_key_jwt, RFC 7523).

We hold public keys only. An assertion is good once and for minutes;
of the opaque access token the hash is stored.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from psycopg.types.json import Jsonb

from xinqiao.account import quota
from xinqiao.account.actor import Actor, permissions
from xinqiao.account.institution import get_institution
from xinqiao.account.session import hashed
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_token
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error

CLIENT_ROLES: dict[str, tuple[str, ...]] = {
    "bank": ("api.bank",),
    "guarantee": ("api.bank",),
    "holder": ("api.holder", "api.platform"),
    "operator": ("api.platform",),
    "regulator": (),
}
ALGORITHMS = ["ES256", "Ed25519"]
KINDS = {("EC", "P-256"), ("OKP", "Ed25519")}
MAX_ASSERTION_LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=30)
TOKEN_LASTS = timedelta(minutes=10)
MAX_KEYS, MAX_ASSERTION, MAX_MARK, MAX_NAME = 5, 8_192, 200, 80
CALLS_A_MINUTE, CALLS_A_DAY = 600, 100_000


@dataclass(frozen=True, slots=True)
class Client:
    """A program. ``keys``: public JWKs by which it signs."""

    id: str
    institution: UUID
    role: str
    scopes: frozenset[str]
    keys: dict[str, Any]
    calls_a_minute: int
    calls_a_day: int


@dataclass(frozen=True, slots=True)
class Token:
    """What the token endpoint answers."""

    value: str
    seconds: int
    scopes: tuple[str, ...]


def public_keys(keys: Mapping[str, Any]) -> dict[str, Any]:
    """A key set fit to be stored: public P-256 or Ed25519 keys with ids. Raises UserError ACC-KEYS."""
    told = keys.get("keys")
    if not isinstance(told, Sequence) or isinstance(told, str) or not 1 <= len(told) <= MAX_KEYS:
        fail("ACC-KEYS", "keys", detail=f"1-{MAX_KEYS} keys")
    out = []
    for key in told:
        if not isinstance(key, dict) or "d" in key:
            fail("ACC-KEYS", "keys", detail="public keys only")
        kept = {name: key.get(name) for name in ("kty", "crv", "x", "y", "kid") if key.get(name) is not None}
        out.append({**kept, "kid": _imported(kept)})
    if len({key["kid"] for key in out}) != len(out):
        fail("ACC-KEYS", "keys", detail="kid")
    return {"keys": out}


def _imported(key: dict[str, Any]) -> str:
    """The id of a public key that can be used: its own, or its thumbprint."""
    if not all(isinstance(v, str) for v in key.values()) or (key.get("kty"), key.get("crv")) not in KINDS:
        fail("ACC-KEYS", "keys", detail="EC P-256, OKP Ed25519")
    try:
        imported = import_key(key)
        imported.ensure_kid()
        imported.get_op_key("verify")
    except (JoseError, ValueError):
        raise user_error("ACC-KEYS", "keys", detail="JWK") from None
    return str(imported.kid)


def description(
    tx: Tx,
    institution_id: UUID,
    *,
    name: str,
    role: str,
    keys: Mapping[str, Any],
    scopes: Sequence[str] = (),
    sandbox: bool = False,
    calls_a_minute: int = CALLS_A_MINUTE,
    calls_a_day: int = CALLS_A_DAY,
) -> dict[str, Any]:
    """A client checked, ready to be approved. Raises UserError ACC-CLIENT, ACC-KEYS, ACC-ROLE."""
    allowed = CLIENT_ROLES[get_institution(tx, institution_id).kind]
    if role not in allowed:
        fail("ACC-ROLE", role[:40], known=", ".join(allowed))
    possible = sorted(name for name, each in permissions().items() if role in each.roles)
    wanted = sorted(set(scopes)) or possible
    if not set(wanted) <= set(possible) or not 1 <= len(name.strip()) <= MAX_NAME:
        fail("ACC-CLIENT", name[:80], known=", ".join(possible))
    if not (1 <= calls_a_minute <= CALLS_A_MINUTE * 10 and 1 <= calls_a_day <= CALLS_A_DAY * 10):
        fail("ACC-CLIENT", name[:80], known=", ".join(possible))
    return {
        "name": name.strip(),
        "role": role,
        "keys": public_keys(keys),
        "scopes": wanted,
        "sandbox": sandbox,
        "calls_a_minute": calls_a_minute,
        "calls_a_day": calls_a_day,
    }


def new_client_id() -> str:
    """An id for a client: it names, it does not prove."""
    return f"c-{secrets.token_hex(8)}"


def put_client(
    tx: Tx, institution_id: UUID, client_id: str, body: Mapping[str, Any], approval_id: UUID | None
) -> None:
    """Add or replace a client; the database asks for the approval unless the platform does it."""
    tx.execute(
        "INSERT INTO api_client (id, institution_id, name, role, scopes, keys, sandbox, calls_a_minute, "
        "calls_a_day, approval_id, made_at) VALUES (%(id)s, %(institution)s, %(name)s, %(role)s, "
        "%(scopes)s, %(keys)s, %(sandbox)s, %(calls_a_minute)s, %(calls_a_day)s, %(approval)s, %(at)s) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, "
        "scopes = excluded.scopes, keys = excluded.keys, sandbox = excluded.sandbox, "
        "calls_a_minute = excluded.calls_a_minute, "
        "calls_a_day = excluded.calls_a_day, approval_id = excluded.approval_id",
        {**body, "keys": Jsonb(body["keys"]), "id": client_id, "institution": institution_id}
        | {"approval": approval_id, "at": now()},
    )


def end_client(tx: Tx, client_id: str) -> None:
    """Switch a program off at once, its tokens too. Raises UserError ACC-CLIENT-ABSENT."""
    row = tx.execute(
        "UPDATE api_client SET ended_at = %s WHERE id = %s AND ended_at IS NULL RETURNING id",
        [now(), client_id],
    ).fetchone()
    if row is None:
        fail("ACC-CLIENT-ABSENT", client_id[:60])


def clients(tx: Tx, institution_id: UUID) -> list[Row]:
    """The programs of an institution."""
    return tx.execute(
        "SELECT * FROM api_client WHERE institution_id = %s ORDER BY made_at, id", [institution_id]
    ).fetchall()


def issue(tx: Tx, assertion: str, audiences: Sequence[str], scope: str = "") -> Token:
    """A token for a signed assertion. Raises UserError ACC-ASSERTION, ACC-RATE, ACC-SCOPE-FORBIDDEN."""
    with acting(tx, SYSTEM):
        row, claims = _proved(tx, assertion, audiences)
        quota.count(tx, row["id"], "token", limit=60, seconds=60)
        until = now() + MAX_ASSERTION_LIFE + SKEW
        if not first_time(tx, row["id"], f"jti:{claims['jti']}", until_seconds=int(until.timestamp())):
            fail("ACC-ASSERTION", "client_assertion", detail="jti")
        wanted = tuple(sorted(set(scope.split()))) or tuple(row["scopes"])
        if not set(wanted) <= set(row["scopes"]):
            fail("ACC-SCOPE-FORBIDDEN", "scope", known=" ".join(row["scopes"]))
        token, at = new_token(), now()
        tx.execute(
            "INSERT INTO access_token (token_hash, client_id, scopes, made_at, until) "
            "VALUES (%s, %s, %s, %s, %s)",
            [hashed(token), row["id"], list(wanted), at, at + TOKEN_LASTS],
        )
    return Token(token, int(TOKEN_LASTS.total_seconds()), wanted)


def _proved(tx: Tx, assertion: str, audiences: Sequence[str]) -> tuple[Row, dict[str, Any]]:
    """The client and the claims of an assertion that holds."""
    if len(assertion) > MAX_ASSERTION:
        fail("ACC-ASSERTION", "client_assertion", detail="too long")
    try:
        who = _unproved_issuer(assertion)
        row = tx.execute(
            "SELECT c.* FROM api_client c JOIN institution i ON i.id = c.institution_id "
            "WHERE c.id = %s AND c.ended_at IS NULL AND i.status = 'active'",
            [who],
        ).fetchone()
        if row is None:
            fail("ACC-ASSERTION", "client_assertion", detail="iss")
        told = jwt.decode(assertion, KeySet.import_key_set(row["keys"]), algorithms=ALGORITHMS)
    except (JoseError, ValueError, TypeError):
        raise user_error("ACC-ASSERTION", "client_assertion", detail="signature") from None
    claims: dict[str, Any] = told.claims
    if wrong := _wrong_claim(claims, row["id"], audiences):
        fail("ACC-ASSERTION", "client_assertion", detail=wrong)
    return row, claims


def _unproved_issuer(assertion: str) -> str:
    """Whose keys to look up: nothing else is believed of it before the signature has been checked."""
    issuer = json.loads(jws.extract_compact(assertion.encode()).payload).get("iss")
    return issuer if isinstance(issuer, str) else ""


def _wrong_claim(claims: Mapping[str, Any], client_id: str, audiences: Sequence[str]) -> str | None:
    at = now().timestamp()
    expires, issued = claims.get("exp"), claims.get("iat", at)
    audience = claims.get("aud")
    if claims.get("sub") != client_id or claims.get("iss") != client_id:
        return "sub"
    if (audience if isinstance(audience, str) else "") not in audiences:
        return "aud"
    if not isinstance(expires, int | float) or not isinstance(issued, int | float):
        return "exp"
    if expires <= at or expires > at + (MAX_ASSERTION_LIFE + SKEW).total_seconds():
        return "exp"
    if issued > at + SKEW.total_seconds():
        return "iat"
    mark = claims.get("jti")
    return None if isinstance(mark, str) and 1 <= len(mark) <= MAX_MARK else "jti"


def first_time(tx: Tx, client_id: str, mark: str, *, until_seconds: int) -> bool:
    """Whether ``mark`` (an assertion's or a signature's) comes for the first time from this client."""
    with acting(tx, SYSTEM):
        made = tx.execute(
            "INSERT INTO used_once (client_id, mark, until) VALUES (%s, %s, to_timestamp(%s)) "
            "ON CONFLICT DO NOTHING RETURNING mark",
            [client_id, mark, until_seconds],
        ).fetchone()
    return made is not None


def find_token(tx: Tx, token: str) -> tuple[Actor, Client]:
    """Who a token stands for; its call is counted. Raises UserError ACC-TOKEN, ACC-RATE."""
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT c.*, t.scopes AS asked, i.kind, i.name AS institution_name FROM access_token t "
            "JOIN api_client c ON c.id = t.client_id JOIN institution i ON i.id = c.institution_id "
            "WHERE t.token_hash = %s AND t.until > %s AND c.ended_at IS NULL AND i.status = 'active'",
            [hashed(token), now()],
        ).fetchone()
    if row is None:
        fail("ACC-TOKEN", "authorization")
    client = Client(
        row["id"],
        row["institution_id"],
        row["role"],
        frozenset(row["asked"]) & frozenset(row["scopes"]),
        row["keys"],
        row["calls_a_minute"],
        row["calls_a_day"],
    )
    quota.count(tx, client.id, "minute", limit=client.calls_a_minute, seconds=60)
    quota.count(tx, client.id, "day", limit=client.calls_a_day, seconds=86400)
    actor = Actor(
        row["kind"],
        frozenset({client.role}),
        row["name"],
        institution=client.institution,
        client=client.id,
        scopes=client.scopes,
        sandbox=row["sandbox"],
    )
    return actor, client
