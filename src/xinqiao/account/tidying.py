"""What has run out is taken away every hour: sessions, codes, challenges, tokens, counts."""

from __future__ import annotations

from datetime import timedelta

from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import every
from xinqiao.kernel.clock import now

KEPT = timedelta(days=1)
_RUN_OUT = (
    "DELETE FROM session WHERE until < %s",
    "DELETE FROM one_time_code WHERE until < %s",
    "DELETE FROM passkey_challenge WHERE until < %s",
    "DELETE FROM access_token WHERE until < %s",
    "DELETE FROM used_once WHERE until < %s",
    "DELETE FROM call_count WHERE since < %s",
    "DELETE FROM message WHERE made_at < %s",
)


def tidy(tx: Tx) -> int:
    """Take away what ran out a day ago or earlier; gives how many rows."""
    return sum(tx.execute(statement, [now() - KEPT]).rowcount for statement in _RUN_OUT)


@every("17 * * * *", "account.tidy")
def tidy_hourly(database: Database) -> None:
    """The timer."""
    with database.transaction(SYSTEM) as tx:
        tidy(tx)
