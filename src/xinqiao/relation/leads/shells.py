"""Rules on shell firms: FC01 to FC06."""

from __future__ import annotations

from xinqiao.relation.leads.question import Question

FC01 = Question(
    needs=("registry",),
    query="""
        WITH shared AS (
            SELECT 'address' AS way, place AS key, company_id FROM firm WHERE place IS NOT NULL
            UNION ALL SELECT 'phone', phone_hash, company_id FROM firm WHERE phone_hash IS NOT NULL
            UNION ALL SELECT 'email', email_hash, company_id FROM firm WHERE email_hash IS NOT NULL
        ), clusters AS (
            SELECT way, key, count(*) AS firms, count(DISTINCT owner) AS owners
            FROM shared JOIN owner_of USING (company_id) JOIN firm USING (company_id)
            WHERE status = 'active' GROUP BY ALL
            HAVING count(DISTINCT owner) >= $firms AND count(*) <= $hub
                AND NOT (count(DISTINCT agent_hash) = 1 AND count(agent_hash) = count(*))
        )
        SELECT company_id, max(firms) AS firms, max(owners) AS owners, count(*) AS keys_shared,
            list(edge(company_id, key, way, NULL, firms)) AS edges
        FROM shared JOIN clusters USING (way, key) JOIN firm USING (company_id)
        WHERE status = 'active' GROUP BY company_id
    """,
)

FC02 = Question(
    needs=("registry", "registry_change", "invoice", "tax_payment", "social_insurance"),
    query="""
        WITH changed AS (
            SELECT company_id, min(changed_on) AS first, count(DISTINCT item) AS kinds,
                list(rec('registry_change', item, changed_on, NULL)) AS records
            FROM registry_change
            WHERE past(changed_on, $months)
                AND item IN ('legal_representative', 'shareholder', 'name', 'scope', 'address')
            GROUP BY ALL HAVING count(DISTINCT item) >= $kinds
        ), busy AS (
            SELECT company_id, issued_on AS day FROM sale WHERE valid AND cents > 0
            UNION ALL SELECT company_id, paid_on FROM tax_payment WHERE paid_cents > 0
            UNION ALL SELECT company_id, month FROM social_insurance WHERE insured > 0
        )
        SELECT c.company_id, c.kinds, c.first AS first_change, c.records
        FROM changed AS c JOIN firm USING (company_id)
        WHERE c.first >= established_on + to_years(CAST($age_years AS INTEGER))
            AND NOT EXISTS (
                SELECT 1 FROM busy AS b WHERE b.company_id = c.company_id AND b.day < c.first
                    AND b.day >= c.first - to_months(CAST($idle_months AS INTEGER))
            )
    """,
)

FC03 = Question(
    needs=("registry", "invoice", "social_insurance", "power_month"),
    query="""
        SELECT company_id, cents / 100 AS sales_cny, invoices
        FROM sales_12m JOIN firm USING (company_id)
        WHERE cents > $cny * 100 AND coalesce(kind, 'company') <> 'self_employed'
            AND coalesce(trade, '') NOT IN ('64', '65')
            AND NOT EXISTS (SELECT 1 FROM social_insurance AS s
                WHERE s.company_id = sales_12m.company_id AND s.insured > 0 AND past(s.month, 12))
            AND NOT EXISTS (SELECT 1 FROM power_month AS p
                WHERE p.company_id = sales_12m.company_id AND p.kwh > 0 AND past(p.month, 12))
    """,
)

FC04 = Question(
    needs=("registry", "registry_person"),
    query="""
        WITH head AS (
            SELECT p.company_id, p.person_hash, p.held_from, p.prior_offices, p.insured_in_trade,
                p.credit_file
            FROM registry_person AS p
            WHERE p.role = 'legal_representative' AND (p.held_until IS NULL OR p.held_until > as_of())
        ), points AS (
            SELECT h.*, CAST(past(held_from, $months) AS INTEGER) AS new_office,
                CAST(prior_offices = 0 AS INTEGER) AS first_office,
                CAST(NOT insured_in_trade AS INTEGER) AS not_insured_in_trade,
                CAST(NOT credit_file AS INTEGER) AS no_credit_file,
                CAST(EXISTS (SELECT 1 FROM applied AS a WHERE a.company_id = h.company_id
                    AND a.day > as_of() - to_days(CAST($apply_days AS INTEGER))) AS INTEGER)
                        AS applied_lately
            FROM head AS h
        ), scored AS (
            SELECT *, coalesce(new_office, 0) + coalesce(first_office, 0) + coalesce(not_insured_in_trade,
                0)
                + coalesce(no_credit_file, 0) + applied_lately AS score FROM points
        )
        SELECT s.company_id, score, new_office, first_office, not_insured_in_trade, no_credit_file,
            applied_lately, [rec('registry_person', person_hash, held_from, NULL)] AS records
        FROM scored AS s JOIN firm USING (company_id)
        WHERE score >= $score AND held_from > established_on + INTERVAL 30 DAY
    """,
)

FC05 = Question(
    needs=("guarantee", "invoice"),
    prepared=("circle",),
    query="""
        WITH inside AS (
            SELECT s.company_id, s.buyer, x.circle, sum(s.cents) AS cents, count(*) AS n
            FROM sale AS s JOIN circle AS x ON x.company_id = s.company_id
                JOIN circle AS y ON y.company_id = s.buyer AND y.circle = x.circle
            WHERE s.valid AND past(s.issued_on, 12) GROUP BY ALL
        ), heavy AS (
            SELECT DISTINCT i.circle FROM inside AS i JOIN sales_12m AS t USING (company_id)
            WHERE i.cents > $share * t.cents
        ), given AS (
            SELECT g.company_id, x.circle, list(edge(g.company_id, guaranteed_id, 'guarantee',
                amount_cents, 1)) AS e
            FROM guarantee AS g JOIN circle AS x ON x.company_id = g.company_id
                JOIN circle AS y ON y.company_id = g.guaranteed_id AND y.circle = x.circle
            WHERE g.ended_on IS NULL OR g.ended_on > as_of() GROUP BY ALL
        ), bought AS (
            SELECT company_id, sum(cents) AS cents, list(edge(company_id, buyer, 'invoice', cents, n)) AS e
            FROM inside GROUP BY ALL
        )
        SELECT c.company_id, c.members, coalesce(b.cents, 0) / 100 AS inside_cny,
            list_concat(coalesce(g.e, []), coalesce(b.e, [])) AS edges
        FROM circle AS c JOIN heavy USING (circle) LEFT JOIN given AS g USING (company_id)
            LEFT JOIN bought AS b USING (company_id)
    """,
)

FC06 = Question(
    needs=("loan", "loan_contact"),
    query="""
        WITH lent AS (
            SELECT company_id, loan_no, disbursed_on, amount_cents, 'referrer' AS kind, referrer_hash AS key
            FROM loan WHERE referrer_hash IS NOT NULL AND past(disbursed_on, 12)
            UNION ALL
            SELECT company_id, loan_no, disbursed_on, amount_cents, 'park', park
            FROM loan WHERE park IS NOT NULL AND past(disbursed_on, 12)
        ), reach AS (
            SELECT l.company_id, l.loan_no, l.kind, l.key, l.disbursed_on, l.amount_cents,
                count(c.contact_no) > 0 AND NOT coalesce(bool_or(c.reached), false) AS lost
            FROM lent AS l LEFT JOIN loan_contact AS c ON c.company_id = l.company_id
                AND c.loan_no = l.loan_no
                AND c.tried_on <= l.disbursed_on + to_days(CAST($days AS INTEGER))
            GROUP BY ALL
        ), bad AS (
            SELECT kind, key, count(*) AS loans, count(*) FILTER (lost) AS lost FROM reach GROUP BY ALL
            HAVING count(*) >= $loans AND count(*) FILTER (lost) > $share * count(*)
                AND count(DISTINCT company_id) FILTER (lost) >= $lost
        )
        SELECT company_id, max(bad.loans) AS loans, max(bad.lost) AS lost_loans,
            max(bad.lost / bad.loans) AS share,
            list(rec('loan', loan_no, disbursed_on, amount_cents)) AS records,
            list(edge(company_id, key, kind, amount_cents, 1)) AS edges
        FROM reach JOIN bad USING (kind, key) WHERE reach.lost GROUP BY company_id
    """,
)
