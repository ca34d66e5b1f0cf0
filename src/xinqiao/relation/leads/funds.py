"""Rules on money: FB01, FB03, FB04; FB02 looks for closed loops among the flows of the platform's firms."""

from __future__ import annotations

from xinqiao.relation.leads.question import Question

FB01 = Question(
    needs=("bank_flow",),
    query="""
        WITH flow AS (
            SELECT company_id, booked_on AS day, direction, amount_cents AS cents, flow_no
            FROM bank_flow WHERE past(booked_on, $months) AND NOT coalesce(returned, false)
                AND coalesce(counterparty_kind, 'company') NOT IN ('payment_institution', 'own_account')
        ), matched AS (
            SELECT i.company_id, i.cents, i.day, i.flow_no, EXISTS (
                SELECT 1 FROM flow AS o WHERE o.company_id = i.company_id AND o.direction = 'out'
                    AND o.day BETWEEN i.day AND i.day + INTERVAL 1 DAY
                    AND o.cents BETWEEN (1 - $near) * i.cents AND (1 + $near) * i.cents
            ) AS through
            FROM flow AS i WHERE i.direction = 'in'
        )
        SELECT company_id, sum(cents) FILTER (through) / sum(cents) AS share, sum(cents) / 100
            AS inflow_cny,
            list(rec('bank_flow', flow_no, day, cents) ORDER BY cents DESC) FILTER (through) AS records
        FROM matched GROUP BY company_id
        HAVING sum(cents) >= $least_cny * 100 AND sum(cents) FILTER (through) > $share * sum(cents)
    """,
)

FB02 = Question(
    needs=("bank_flow",),
    query="""
        WITH step AS (
            SELECT company_id AS a, counterparty_id AS b, booked_on AS day, amount_cents AS cents, flow_no
            FROM bank_flow WHERE direction = 'out' AND counterparty_id IS NOT NULL
                AND counterparty_id <> company_id AND past(booked_on, $months)
                    AND amount_cents >= $least_cny * 100
        ), three AS (
            SELECT x.a, x.day, [x, y, z] AS steps
            FROM step AS x JOIN step AS y ON y.a = x.b AND y.b <> x.a
                AND y.day BETWEEN x.day AND x.day + to_days(CAST($days AS INTEGER))
                AND y.cents BETWEEN (1 - $near) * x.cents AND (1 + $near) * x.cents
            JOIN step AS z ON z.a = y.b AND z.b = x.a
                AND z.day BETWEEN y.day AND x.day + to_days(CAST($days AS INTEGER))
                AND z.cents BETWEEN (1 - $near) * x.cents AND (1 + $near) * x.cents
        ), four AS (
            SELECT x.a, x.day, [x, y, z, w] AS steps
            FROM step AS x JOIN step AS y ON y.a = x.b AND y.b <> x.a
                AND y.day BETWEEN x.day AND x.day + to_days(CAST($days AS INTEGER))
                AND y.cents BETWEEN (1 - $near) * x.cents AND (1 + $near) * x.cents
            JOIN step AS z ON z.a = y.b AND z.b NOT IN (x.a, x.b)
                AND z.day BETWEEN y.day AND x.day + to_days(CAST($days AS INTEGER))
                AND z.cents BETWEEN (1 - $near) * x.cents AND (1 + $near) * x.cents
            JOIN step AS w ON w.a = z.b AND w.b = x.a
                AND w.day BETWEEN z.day AND x.day + to_days(CAST($days AS INTEGER))
                AND w.cents BETWEEN (1 - $near) * x.cents AND (1 + $near) * x.cents
        ), loops AS (SELECT * FROM three UNION ALL SELECT * FROM four),
        members AS (
            SELECT DISTINCT s.a AS company_id, l.steps FROM loops AS l, unnest(l.steps) AS u(s)
        )
        SELECT company_id, count(*) AS loops, max(len(steps)) AS firms,
            sum(list_min([s.cents FOR s IN steps])) / 100 AS looped_cny,
            flatten(list([rec('bank_flow', s.flow_no, s.day, s.cents) FOR s IN steps])) AS records,
            flatten(list([edge(s.a, s.b, 'flow', s.cents, 1) FOR s IN steps])) AS edges
        FROM members GROUP BY company_id HAVING count(*) >= $times
    """,
)

FB03 = Question(
    needs=("bank_flow", "invoice"),
    query="""
        WITH inflow AS (
            SELECT company_id, counterparty_hash, amount_cents AS cents, flow_no, booked_on
            FROM bank_flow WHERE direction = 'in' AND past(booked_on, $months) AND NOT coalesce(returned,
                false)
                AND coalesce(category, 'other') IN ('operating', 'other', 'transfer')
                AND coalesce(counterparty_kind, 'company') NOT IN ('payment_institution', 'own_account',
                    'bank')
        ), payer AS (
            SELECT company_id, counterparty_hash, sum(cents) AS cents FROM inflow GROUP BY ALL
        ), top AS (
            SELECT company_id, list_sum(list_slice(list(cents ORDER BY cents DESC), 1, 3)) / sum(cents)
                AS top3
            FROM payer GROUP BY ALL
        ), total AS (
            SELECT company_id, count(*) AS flows, sum(cents) AS cents,
                avg(CAST(cents % 1000000 = 0 AS INTEGER)) AS round_share,
                list(rec('bank_flow', flow_no, booked_on, cents) ORDER BY cents DESC) AS records
            FROM inflow GROUP BY ALL
        ), sold AS (
            SELECT company_id, sum(cents) AS cents FROM sale WHERE valid AND past(issued_on,
                $months) GROUP BY ALL
        )
        SELECT t.company_id, round_share, top3, flows, coalesce(s.cents, 0) / t.cents AS invoiced, t.records
        FROM total AS t JOIN top USING (company_id) LEFT JOIN sold AS s USING (company_id)
        WHERE flows >= $least AND (round_share > $round OR top3 > $top)
            AND coalesce(s.cents, 0) < $invoiced * t.cents
    """,
)

FB04 = Question(
    needs=("loan", "bank_flow"),
    query="""
        WITH astray AS (
            SELECT l.company_id, l.loan_no, l.disbursed_on, l.amount_cents AS lent, b.flow_no, b.booked_on,
                b.amount_cents AS cents, b.counterparty_hash, b.counterparty_kind
            FROM loan AS l JOIN bank_flow AS b ON b.company_id = l.company_id AND b.direction = 'out'
                AND b.booked_on BETWEEN l.disbursed_on AND l.disbursed_on + to_days(CAST($days AS INTEGER))
            WHERE past(l.disbursed_on, 12) AND NOT coalesce(l.entrusted, false)
                AND NOT coalesce(b.returned, false)
                AND (b.counterparty_kind IN ('securities',
                    'property_developer') OR b.category = 'investment'
                    OR (b.counterparty_kind = 'person' AND b.category <> 'payroll')
                    OR (b.category = 'repayment' AND b.counterparty_kind = 'bank'))
        ), loans AS (
            SELECT company_id, loan_no, any_value(lent) AS lent, sum(cents) AS cents,
                list(rec('bank_flow', flow_no, booked_on, cents)) AS flows,
                list(edge(company_id, counterparty_hash, counterparty_kind, cents, 1)) AS steps,
                any_value(rec('loan', loan_no, disbursed_on, lent)) AS loan
            FROM astray GROUP BY ALL HAVING sum(cents) > $share * any_value(lent)
        )
        SELECT company_id, max(cents / lent) AS share, sum(cents) / 100 AS astray_cny,
            list_concat(list(loan), flatten(list(flows))) AS records, flatten(list(steps)) AS edges
        FROM loans GROUP BY company_id
    """,
)
