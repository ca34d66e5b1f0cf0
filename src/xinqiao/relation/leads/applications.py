"""Rules on applications: FA01 to FA06. Windows of days end at every application of the last 12 months."""

from __future__ import annotations

from xinqiao.relation.leads.question import Question

FA01 = Question(
    needs=("application", "registry_change"),
    query="""
        SELECT a.company_id, min(date_diff('day', c.changed_on, a.day)) AS days_before,
            count(DISTINCT c.item) AS kinds,
            list_concat(list(rec('registry_change', c.item, c.changed_on, NULL)),
                list(rec('application', a.application_no, a.day, a.cents))) AS records
        FROM applied AS a JOIN registry_change AS c ON c.company_id = a.company_id
            AND c.changed_on BETWEEN a.day - to_days(CAST($days AS INTEGER)) AND a.day
        WHERE c.item IN ('legal_representative', 'shareholder', 'address')
        GROUP BY a.company_id
    """,
)

FA02 = Question(
    needs=("application", "registry"),
    query="""
        WITH sent AS (
            SELECT owner, a.company_id, coalesce(intent_no, application_no) AS intent,
                min(institution) AS institution, count(DISTINCT institution) AS at_once,
                min(applied_on) AS day, min(application_no) AS no, min(amount_cents) AS cents
            FROM application AS a JOIN owner_of USING (company_id) WHERE past(applied_on, 12) GROUP BY ALL
        ), counted AS (
            SELECT x.owner, x.day, count(DISTINCT y.institution) FILTER (y.day > x.day - INTERVAL 7 DAY)
                AS week,
                count(DISTINCT y.institution) AS month
            FROM sent AS x JOIN sent AS y ON y.owner = x.owner
                AND y.day > x.day - INTERVAL 30 DAY AND y.day <= x.day
            GROUP BY ALL
        ), many AS (
            SELECT owner, max(week) AS in_7_days, max(month) AS in_30_days FROM counted GROUP BY ALL
            HAVING max(week) >= $week OR max(month) >= $month
        )
        SELECT company_id, any_value(in_7_days) AS in_7_days, any_value(in_30_days) AS in_30_days,
            list(rec('application', no, day, cents)) AS records
        FROM sent JOIN many USING (owner) GROUP BY company_id
    """,
)

FA03 = Question(
    needs=("application", "registry"),
    query="""
        WITH used AS (
            SELECT 'device' AS kind, device AS key, company_id, owner, day, application_no, cents
            FROM applied JOIN owner_of USING (company_id) WHERE device IS NOT NULL
            UNION ALL
            SELECT 'ip', ip, company_id, owner, day, application_no, cents
            FROM applied JOIN owner_of USING (company_id) WHERE ip IS NOT NULL
        ), small AS (
            SELECT kind, key FROM used GROUP BY ALL HAVING count(DISTINCT owner) BETWEEN $firms AND $hub
        ), near AS (
            SELECT x.kind, x.key, x.day, count(DISTINCT y.owner) AS owners
            FROM used AS x JOIN small USING (kind, key) JOIN used AS y ON y.kind = x.kind AND y.key = x.key
                AND y.day > x.day - to_days(CAST($days AS INTEGER)) AND y.day <= x.day
            GROUP BY ALL HAVING count(DISTINCT y.owner) >= $firms
        )
        SELECT u.company_id, max(n.owners) AS owners, list(DISTINCT u.kind) [1] AS kind,
            list(rec('application', u.application_no, u.day, u.cents)) AS records,
            list(edge(u.company_id, u.key, u.kind, NULL, n.owners)) AS edges
        FROM used AS u JOIN near AS n ON n.kind = u.kind AND n.key = u.key
            AND u.day > n.day - to_days(CAST($days AS INTEGER)) AND u.day <= n.day
        GROUP BY u.company_id
    """,
)

FA04 = Question(
    needs=("application",),
    query="""
        WITH handled AS (
            SELECT 'agent' AS kind, agent AS key, * FROM applied WHERE agent IS NOT NULL
            UNION ALL SELECT 'referrer', referrer, * FROM applied WHERE referrer IS NOT NULL
            UNION ALL SELECT 'template', template, * FROM applied WHERE template IS NOT NULL
        ), busy AS (
            SELECT x.kind, x.key, x.day, count(DISTINCT y.intent) AS applications
            FROM (SELECT DISTINCT kind, key, day FROM handled) AS x JOIN handled AS y
                ON y.kind = x.kind AND y.key = x.key
                AND y.day > x.day - to_days(CAST($days AS INTEGER)) AND y.day <= x.day
            GROUP BY ALL HAVING count(DISTINCT y.intent) >= $applications
        ), inside AS (
            SELECT b.kind, b.key, b.day AS until, b.applications, h.company_id, h.application_no, h.day,
                h.cents,
                count(*) OVER (PARTITION BY b.kind, b.key, b.day, h.template) AS same_layout,
                count(*) OVER (PARTITION BY b.kind, b.key, b.day, h.industry, h.cents) AS same_terms,
                h.template IS NOT NULL AS has_layout
            FROM busy AS b JOIN handled AS h ON h.kind = b.kind AND h.key = b.key
                AND h.day > b.day - to_days(CAST($days AS INTEGER)) AND h.day <= b.day
        ), alike AS (
            SELECT kind, key, until, max(CASE WHEN has_layout THEN same_layout ELSE 0 END) / count(*)
                AS layout,
                max(same_terms) / count(*) AS terms
            FROM inside GROUP BY ALL
        )
        SELECT company_id, max(applications) AS applications, max(greatest(layout, terms)) AS alike,
            list(rec('application', application_no, day, cents)) AS records,
            list(edge(company_id, key, kind, NULL, applications)) AS edges
        FROM inside JOIN alike USING (kind, key, until)
        WHERE greatest(CASE WHEN kind = 'template' THEN 1 ELSE layout END, terms) >= $alike
        GROUP BY company_id
    """,
)

FA05 = Question(
    needs=("application_document",),
    query="""
        WITH judged AS (
            SELECT *, CAST(coalesce(sum_differs, false) AS INTEGER)
                + CAST(coalesce(verification_failed, false) AS INTEGER)
                + CASE WHEN coalesce(scanned, false) THEN 0 ELSE
                    CAST(coalesce(mixed_fonts, false) AS INTEGER)
                    + CAST(coalesce(amount_layer AND incremental_saves > 0, false) AS INTEGER) END AS faults
            FROM application_document WHERE past(checked_on, 12)
        )
        SELECT company_id, max(faults) AS faults, count(*) AS papers,
            bool_or(verification_failed) AS verification_failed,
            list(rec('application_document', document_no, checked_on, NULL)) AS records
        FROM judged WHERE faults >= $faults GROUP BY company_id
    """,
)

FA06 = Question(
    needs=("phone_line", "registry"),
    query="""
        WITH open AS (
            SELECT * FROM phone_line WHERE closed_on IS NULL OR closed_on > as_of()
        ), shared AS (
            SELECT phone_hash, count(DISTINCT company_id) AS firms FROM open JOIN owner_of USING (company_id)
            GROUP BY ALL
            HAVING count(DISTINCT owner_of.owner) >= $firms AND count(DISTINCT company_id) <= $hub
        )
        SELECT company_id, max(holder_lines) AS lines, max(firms) AS firms,
            list(rec('phone_line', phone_hash, opened_on, NULL)) AS records,
            list(edge(company_id, phone_hash, 'phone', NULL, firms)) FILTER (firms IS NOT NULL) AS edges
        FROM open LEFT JOIN shared USING (phone_hash)
        WHERE holder_lines >= $lines OR firms IS NOT NULL GROUP BY company_id
    """,
)
