"""Questions about a date's records (`records.Records`), in SQL; each states the order of its rows."""

from __future__ import annotations

HOLDINGS = """
    WITH held AS (
        SELECT company_id, holder_id, holder_kind, held_from,
            coalesce(CASE WHEN isfinite(share) AND share >= 0 THEN share END,
                CASE WHEN count(*) FILTER (subscribed_cents >= 0) OVER w = count(*) OVER w
                AND sum(subscribed_cents) OVER w > 0
                THEN subscribed_cents / CAST(sum(subscribed_cents) OVER w AS DOUBLE) END) AS share
        FROM known_registry_holding
        WHERE holder_id IS NOT NULL AND (held_until IS NULL OR held_until > getvariable('as_of'))
        WINDOW w AS (PARTITION BY company_id)
    ), every AS (
        SELECT * FROM held
        UNION ALL BY NAME
        SELECT company_id, legal_representative_hash AS holder_id, 'person' AS holder_kind,
            established_on AS held_from, CAST($operator AS DOUBLE) AS share
        FROM known_registry r WHERE kind = 'self_employed' AND legal_representative_hash IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM held WHERE held.company_id = r.company_id)
    )
    SELECT f.code AS firm, h.code AS holder, company_id, holder_id, holder_kind, share, held_from
    FROM every JOIN firm f ON f.id = company_id
    LEFT JOIN firm h ON h.id = holder_id AND holder_kind = 'company'
    ORDER BY company_id, holder_kind, holder_id
"""
GUARANTEES = """
    SELECT a.code AS source, b.code AS target, CAST(sum(coalesce(amount_cents, 0)) AS DOUBLE) AS weight
    FROM known_guarantee JOIN firm a ON a.id = company_id JOIN firm b ON b.id = guaranteed_id
    WHERE (ended_on IS NULL OR ended_on > getvariable('as_of')) AND a.code <> b.code
    GROUP BY ALL ORDER BY ALL
"""
TRADE = """
    WITH pair AS (
        SELECT CASE direction WHEN 'output' THEN company_id ELSE counterparty_id END AS seller,
            CASE direction WHEN 'output' THEN counterparty_id ELSE company_id END AS buyer,
            sum(amount_cents) FILTER (direction = 'output') AS sold,
            sum(amount_cents) FILTER (direction = 'input') AS bought
        FROM invoice
        WHERE counterparty_id IS NOT NULL AND counterparty_id <> company_id
            AND issued_on BETWEEN $first AND $last
            AND (status <> 'void' OR coalesce(status_known_on, known_on) > getvariable('as_of'))
        GROUP BY ALL
    )
    SELECT s.code AS source, b.code AS target, CAST(coalesce(sold, bought) AS DOUBLE) AS weight
    FROM pair JOIN firm s ON s.id = seller JOIN firm b ON b.id = buyer
    WHERE coalesce(sold, bought) > 0 ORDER BY ALL
"""
TOTALS = """
    SELECT code AS firm,
        CAST(coalesce(sum(amount_cents) FILTER (direction = 'output'), 0) AS DOUBLE) AS output,
        CAST(coalesce(sum(amount_cents) FILTER (direction = 'input'), 0) AS DOUBLE) AS input
    FROM invoice JOIN firm ON id = company_id WHERE issued_on BETWEEN $first AND $last
        AND (status <> 'void' OR coalesce(status_known_on, known_on) > getvariable('as_of'))
    GROUP BY ALL ORDER BY ALL
"""
PEOPLE = """
    SELECT code AS firm, key FROM (
        SELECT company_id, legal_representative_hash AS key FROM known_registry
        UNION ALL SELECT company_id, person_hash FROM known_registry_person
            WHERE held_until IS NULL OR held_until > getvariable('as_of')
        UNION ALL SELECT company_id, holder_id FROM known_registry_holding
            WHERE holder_kind = 'person' AND (held_until IS NULL OR held_until > getvariable('as_of'))
    ) JOIN firm ON id = company_id
"""
REPRESENTATIVES = """
    SELECT code AS firm, CAST(dense_rank() OVER (ORDER BY legal_representative_hash) AS INTEGER) AS person
    FROM known_registry JOIN firm ON id = company_id
    WHERE legal_representative_hash IS NOT NULL ORDER BY ALL
"""
REGISTERED = "SELECT code AS firm, {key} AS key FROM known_registry JOIN firm ON id = company_id"
APPLIED = (
    "SELECT code AS firm, {key} AS key FROM known_application JOIN firm ON id = company_id "
    "WHERE applied_on >= $since"
)
CONTACTS = {
    "phone": REGISTERED.format(key="phone_hash") + " UNION ALL " + APPLIED.format(key="phone_hash"),
    "email": REGISTERED.format(key="email_hash"),
    "agent": REGISTERED.format(key="agent_hash") + " UNION ALL " + APPLIED.format(key="agent_hash"),
    "device": APPLIED.format(key="device_hash"),
    "ip": APPLIED.format(key="ip_hash"),
}
SHARED = """
    SELECT firm, key FROM (SELECT DISTINCT firm, key FROM ({query}))
    WHERE key IS NOT NULL AND NOT list_contains($white, key) ORDER BY key, firm
"""
ADDRESSES = """
    SELECT code AS firm, address FROM known_registry JOIN firm ON id = company_id
    WHERE address IS NOT NULL ORDER BY address, firm
"""
BAD = """
    SELECT DISTINCT code AS firm FROM (
        SELECT company_id FROM known_court_list
            WHERE list_contains($court, list) AND (removed_on IS NULL OR removed_on > getvariable('as_of'))
        UNION ALL SELECT company_id FROM known_registry_listing
            WHERE list_contains($register, list) AND (removed_on IS NULL OR removed_on > getvariable('as_of'))
        UNION ALL SELECT company_id FROM known_credit_list
            WHERE list_contains($credit, list) AND (removed_on IS NULL OR removed_on > getvariable('as_of'))
        UNION ALL SELECT company_id FROM (
            SELECT company_id, account_no, arg_max(coalesce(days_past_due, 0), month) AS days
            FROM credit_month GROUP BY ALL
        ) WHERE days >= $days
    ) JOIN firm ON id = company_id ORDER BY firm
"""
SEEDS = """
    SELECT DISTINCT code AS firm FROM known_credit_list JOIN firm ON id = company_id
    WHERE list_contains($lists, list)
        AND (removed_on IS NULL OR removed_on > getvariable('as_of')) ORDER BY firm
"""
