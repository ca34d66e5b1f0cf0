"""One-time codes by message: six digits, five minutes, few tries; only a keyed hash is stored."""

from __future__ import annotations

import secrets
from datetime import timedelta

from xinqiao.account import quota
from xinqiao.account.notifier import Notifier
from xinqiao.account.person import PHONE, plain_phone
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, user_error
from xinqiao.kernel.protect import Keyring, keyed_hash, keyed_hashes
from xinqiao.kernel.text import Text

LASTS = timedelta(minutes=5)
MAX_TRIES = 5
MAX_AN_HOUR = 5
_TEXT = Text(
    zh="【信桥】验证码 {code}，5 分钟内有效，请勿告诉他人。",
    en="[Xinqiao] Your code is {code}. It is valid for 5 minutes; tell nobody.",
)


def send_code(tx: Tx, ring: Keyring, notifier: Notifier, phone: str, purpose: str) -> None:
    """Send a code for ``purpose``, ending an earlier one. Raises UserError ACC-RATE, ACC-GATEWAY."""
    phone = plain_phone(phone)
    hashed = keyed_hash(phone, ring, PHONE)
    quota.count(tx, hashed, "code", limit=MAX_AN_HOUR, seconds=3600)
    made, at = new_id(), now()
    code = f"{secrets.randbelow(10**6):06}"
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE one_time_code SET used_at = %s "
            "WHERE phone_hash = %s AND purpose = %s AND used_at IS NULL",
            [at, hashed, purpose],
        )
        tx.execute(
            "INSERT INTO one_time_code (id, phone_hash, purpose, code_hash, sent_at, until) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [made, hashed, purpose, keyed_hash(code, ring, f"code/{made}"), at, at + LASTS],
        )
    notifier.send(tx, ring, phone, _TEXT.fill(code=code))


def check_code(tx: Tx, ring: Keyring, phone: str, purpose: str, code: str) -> UserError | None:
    """None if ``code`` is the one sent, which is then used up; else what to tell.

    The failed try is counted in ``tx``: the caller answers with the error instead of raising it.
    """
    hashes = list(keyed_hashes(plain_phone(phone), ring, PHONE))
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT * FROM one_time_code WHERE phone_hash = ANY(%s) AND purpose = %s AND used_at IS NULL "
            "AND until > %s ORDER BY sent_at DESC LIMIT 1 FOR UPDATE",
            [hashes, purpose, now()],
        ).fetchone()
        if row is None or row["tries"] >= MAX_TRIES:
            return user_error("ACC-CODE", "code")
        told = keyed_hashes(code.strip(), ring, f"code/{row['id']}")
        right = any(secrets.compare_digest(each, row["code_hash"]) for each in told)
        tx.execute(
            "UPDATE one_time_code SET tries = tries + 1, used_at = %s WHERE id = %s",
            [now() if right else None, row["id"]],
        )
    return None if right else user_error("ACC-CODE", "code")
