"""Applications of many firms from one device, network address or agent within a few days."""

from __future__ import annotations

import numpy as np

from xinqiao.relation.compiled import Ints
from xinqiao.relation.region import Region
from xinqiao.relation.settings import white_list

_RECENT = """
    SELECT DISTINCT f.code AS firm, coalesce(a.intent_no, a.application_no) AS intent,
        a.device_hash, a.ip_hash, a.agent_hash, coalesce(a.industry_code, r.industry_code) AS industry,
        a.amount_cents
    FROM known_application a JOIN firm f ON f.id = a.company_id LEFT JOIN known_registry r USING (company_id)
    WHERE a.applied_on >= $since
"""
_FIRMS = """
    WITH recent AS ({recent}),
    pair AS (SELECT DISTINCT firm, {key} AS key FROM recent
        WHERE {key} IS NOT NULL AND NOT list_contains($white, {key}))
    SELECT a.firm, CAST(count(DISTINCT b.firm) - 1 AS BIGINT) AS number
    FROM pair a JOIN pair b USING (key) GROUP BY ALL ORDER BY ALL
"""
_AGENT = """
    WITH recent AS ({recent}),
    pair AS (SELECT DISTINCT firm, agent_hash FROM recent WHERE agent_hash IS NOT NULL
        AND NOT list_contains($white, agent_hash))
    SELECT a.firm, CAST(count(DISTINCT (b.firm, b.intent)) AS BIGINT) AS number
    FROM pair a JOIN recent b USING (agent_hash) GROUP BY ALL ORDER BY ALL
"""
_ALIKE = """
    WITH recent AS ({recent})
    SELECT a.firm, CAST(count(DISTINCT (b.firm, b.intent)) AS BIGINT) AS number
    FROM recent a JOIN recent b ON a.agent_hash = b.agent_hash AND a.industry = b.industry
        AND a.firm <> b.firm
    WHERE NOT list_contains($white, a.agent_hash)
        AND abs(a.amount_cents - b.amount_cents) <= $apart * greatest(a.amount_cents, b.amount_cents)
    GROUP BY ALL ORDER BY ALL
"""


def ring_counts(region: Region) -> dict[str, Ints]:
    """Counts of the last days (``rings.days``) of every firm, over all devices and agents it applied with.

    An intent that goes to several banks is one application. White-listed keys don't count.
    """
    records, white = region.records, white_list()
    records.know("application", "registry")
    since, apart = records.since(region.settings.rings.days), region.settings.rings.like_amount

    def counted(query: str, keys: list[str], key: str = "") -> Ints:
        found = records.columns(query.format(recent=_RECENT, key=key), white=keys, since=since, apart=apart)
        out = np.zeros(region.firms, np.int64)
        out[found["firm"]] = found["number"]
        return out

    return {
        "device_firms_30d": counted(_FIRMS, white.devices, "device_hash"),
        "ip_firms_30d": counted(_FIRMS, white.ips, "ip_hash"),
        "agent_applications_30d": counted(_AGENT, white.agents),
        "agent_alike_30d": counted(_ALIKE, white.agents),
    }
