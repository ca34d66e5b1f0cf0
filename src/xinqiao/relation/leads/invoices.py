"""Rules on invoices: FI01 to FI09."""

from __future__ import annotations

from xinqiao.relation.leads.question import Question

FI02 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH pair AS (
            SELECT company_id AS a, buyer AS b, sum(cents) AS cents, count(*) AS n
            FROM sale WHERE valid AND past(issued_on, 12) AND buyer IS NOT NULL AND buyer <> company_id
            GROUP BY ALL HAVING sum(cents) >= $least_cny * 100
        ), both_ways AS (
            SELECT x.a, x.b, x.cents AS given, y.cents AS taken, x.n AS n_given, y.n AS n_taken,
                least(x.cents, y.cents) / greatest(x.cents, y.cents) AS ratio
            FROM pair AS x JOIN pair AS y ON x.a = y.b AND x.b = y.a
        )
        SELECT a AS company_id, max(ratio) AS ratio, count(*) AS partners,
            sum(least(given, taken)) / 100 AS mutual_cny,
            CASE WHEN max(ratio) >= $ratio_high THEN 'high' ELSE 'medium' END AS severity,
            flatten(list([edge(a, b, 'invoice', given, n_given), edge(b, a, 'invoice', taken, n_taken)]))
                AS edges
        FROM both_ways JOIN owner_of AS o ON o.company_id = a JOIN owner_of AS p ON p.company_id = b
        WHERE ratio >= $ratio AND o.owner <> p.owner
        GROUP BY a
    """,
)

FI03 = Question(
    needs=("invoice",),
    query="""
        WITH capped AS (
            SELECT *, list_any_value([l FOR l IN [1000000, 10000000, 100000000, 1000000000]
                IF cents BETWEEN $near * l AND l]) IS NOT NULL AS near
            FROM sale WHERE valid AND cents > 0 AND past(issued_on, 12)
        ), runs AS (
            SELECT *, row_number() OVER w - row_number() OVER (PARTITION BY company_id, near
                ORDER BY issued_on, invoice_no) AS run
            FROM capped WINDOW w AS (PARTITION BY company_id ORDER BY issued_on, invoice_no)
        ), longest AS (
            SELECT company_id, max(n) AS in_row FROM (
                SELECT company_id, run, count(*) AS n FROM runs WHERE near GROUP BY ALL
            ) GROUP BY ALL
        )
        SELECT company_id, avg(CAST(near AS INTEGER)) AS share, any_value(in_row) AS in_row,
            count(*) AS invoices,
            list(rec('invoice', invoice_no, issued_on, cents) ORDER BY issued_on) FILTER (near) AS records
        FROM capped JOIN longest USING (company_id)
        GROUP BY company_id
        HAVING count(*) >= $least_invoices AND (avg(CAST(near
            AS INTEGER)) > $share OR any_value(in_row) >= $in_row)
    """,
)

FI04 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH monthly AS (
            SELECT company_id, sum(cents) FILTER (past(issued_on, 3)) / 3 AS late,
                sum(cents) FILTER (NOT past(issued_on, 3)) / 9 AS early,
                min(issued_on) AS first
            FROM sale WHERE valid AND past(issued_on, 12) GROUP BY ALL
        ), ratio AS (
            SELECT m.company_id, late / early AS ratio, trade FROM monthly AS m JOIN firm USING (company_id)
            WHERE early > 0 AND first <= as_of() - INTERVAL 11 MONTH
        ), season AS (SELECT trade, median(ratio) AS usual FROM ratio GROUP BY ALL),
        surge AS (
            SELECT r.company_id, r.ratio, s.usual, min(a.day) AS applied_on,
                list(rec('application', a.application_no, a.day, a.cents)) AS records
            FROM ratio AS r JOIN season AS s USING (trade) JOIN applied AS a USING (company_id)
            WHERE r.ratio > $ratio AND r.ratio > $industry_ratio * s.usual
                AND a.day > as_of() - to_days(CAST($apply_days AS INTEGER))
            GROUP BY ALL
        ), young AS (
            SELECT company_id, max(cents) / 100 AS month_cny, list(r) AS records FROM (
                SELECT company_id, date_trunc('month', issued_on) AS month, sum(cents) AS cents,
                    rec('invoice', min(invoice_no), min(issued_on), sum(cents)) AS r
                FROM sale JOIN firm USING (company_id)
                WHERE valid AND issued_on < established_on + to_months(CAST($young_months AS INTEGER))
                    AND past(issued_on, 12)
                GROUP BY ALL HAVING sum(cents) > $young_cny * 100
            ) GROUP BY ALL
        )
        SELECT company_id, ratio, usual AS industry_ratio, applied_on, NULL AS month_cny, records FROM surge
        UNION ALL BY NAME
        SELECT company_id, month_cny, records FROM young
    """,
)

FI05 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH reversed AS (
            SELECT l.company_id, l.loan_no, l.disbursed_on,
                -sum(cents) FILTER (cents < 0 AND issued_on BETWEEN l.disbursed_on
                    AND l.disbursed_on + to_days(CAST($after_days AS INTEGER))) AS red,
                sum(cents) FILTER (cents > 0 AND issued_on < l.disbursed_on
                    AND issued_on >= l.disbursed_on - to_days(CAST($before_days AS INTEGER))) AS before
            FROM loan AS l JOIN sale USING (company_id)
            WHERE valid AND past(l.disbursed_on, 12) GROUP BY ALL
        ), late AS (
            SELECT company_id, max(red / before) AS red_after_loan,
                list(rec('loan', loan_no, disbursed_on, red)) AS records
            FROM reversed WHERE red > $red * before GROUP BY ALL
        ), void AS (
            SELECT company_id, void_invoices / invoices AS void_share FROM sales_12m
            WHERE invoices >= $least_invoices AND void_invoices > $void * invoices
        )
        SELECT company_id, void_share, red_after_loan, records,
            CASE WHEN trade BETWEEN '47' AND '50' OR red_after_loan IS NULL THEN 'medium' END AS severity
        FROM void FULL JOIN late USING (company_id) LEFT JOIN firm USING (company_id)
    """,
)

FI06 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH goods AS (
            SELECT company_id, left(goods_code, 2) AS class,
                bool_or(direction = 'output') AS sold, bool_or(direction = 'input') AS bought
            FROM invoice WHERE goods_code IS NOT NULL AND past(issued_on, 12)
                AND NOT (status = 'void' AND coalesce(status_known_on, known_on) <= as_of())
            GROUP BY ALL
        ), overlap AS (
            SELECT company_id, count(*) FILTER (sold AND bought) / count(*) AS overlap
            FROM goods GROUP BY ALL HAVING bool_or(sold) AND bool_or(bought)
        ), volume AS (
            SELECT company_id, sum(amount_cents) FILTER (direction = 'output') AS sold,
                coalesce(sum(amount_cents) FILTER (direction = 'input'), 0) AS bought
            FROM invoice WHERE past(issued_on, 12)
                AND NOT (status = 'void' AND coalesce(status_known_on, known_on) <= as_of())
            GROUP BY ALL
        )
        SELECT company_id, overlap, bought / sold AS purchases_to_sales, sold / 100 AS sales_cny
        FROM volume LEFT JOIN overlap USING (company_id) JOIN firm USING (company_id)
        WHERE trade = '51' AND sold >= $least_cny * 100
            AND (overlap < $overlap OR bought < $purchases * sold)
    """,
)

FI07 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH used AS (
            SELECT terminal_hash, company_id, count(*) AS n, sum(cents) AS cents
            FROM sale WHERE terminal_hash IS NOT NULL AND past(issued_on, $months) GROUP BY ALL
        ), shared AS (
            SELECT terminal_hash, count(DISTINCT owner) AS owners, count(*) AS firms,
                count(DISTINCT agent_hash) = 1 AND count(agent_hash) = count(*) AS one_agent
            FROM used JOIN owner_of USING (company_id) JOIN firm USING (company_id) GROUP BY ALL
            HAVING count(DISTINCT owner) >= $firms
        )
        SELECT company_id, max(firms) AS firms, max(owners) AS owners,
            CASE WHEN bool_and(one_agent) THEN 'low' ELSE 'high' END AS severity,
            list(edge(company_id, terminal_hash, 'terminal', cents, n)) AS edges
        FROM used JOIN shared USING (terminal_hash) GROUP BY company_id
    """,
)

FI08 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH odd AS (
            SELECT company_id AS buyer, established_on, ended_on, status,
                EXISTS (SELECT 1 FROM tax_event AS e WHERE e.company_id = firm.company_id
                    AND e.kind = 'abnormal_household' AND (e.ended_on IS NULL OR e.ended_on > as_of()))
                        AS lost
            FROM firm
        ), bad AS (
            SELECT s.*, CASE WHEN o.status IN ('revoked', 'cancelled') THEN o.status
                WHEN o.lost THEN 'abnormal_household'
                WHEN s.issued_on < o.established_on + to_days(CAST($young_days
                    AS INTEGER)) THEN 'young' END AS why
            FROM sale AS s JOIN odd AS o USING (buyer)
            WHERE s.valid AND s.cents > 0 AND past(s.issued_on, 12)
        )
        SELECT company_id, sum(bad.cents) / any_value(t.cents) AS share, count(DISTINCT buyer) AS partners,
            list(rec('invoice', invoice_no, issued_on, bad.cents)) AS records,
            list(edge(company_id, buyer, why, bad.cents, 1)) AS edges
        FROM bad JOIN sales_12m AS t USING (company_id) WHERE why IS NOT NULL
        GROUP BY company_id
        HAVING sum(bad.cents) > $share * any_value(t.cents) AND any_value(t.cents) >= $least_cny * 100
    """,
)

FI09 = Question(
    needs=("invoice", "registry"),
    query="""
        WITH staff AS (
            SELECT company_id, arg_max(insured, month) AS insured FROM social_insurance
            WHERE insurance = 'pension' AND past(month, 3) GROUP BY ALL
        ), power AS (
            SELECT company_id, sum(kwh) AS kwh FROM power_month WHERE past(month, 13) GROUP BY ALL
        ), rate AS (
            SELECT company_id, trade, ln(cents / nullif(insured, 0)) AS per_head,
                ln(cents / nullif(kwh, 0)) AS per_kwh
            FROM sales_12m JOIN firm USING (company_id) LEFT JOIN staff USING (company_id)
                LEFT JOIN power USING (company_id)
            WHERE cents >= $least_cny * 100
        ), peers AS (
            SELECT trade, median(per_head) AS head, 1.4826 * mad(per_head) AS head_sd, count(per_head)
                AS heads,
                median(per_kwh) AS kwh, 1.4826 * mad(per_kwh) AS kwh_sd, count(per_kwh) AS kwhs
            FROM rate GROUP BY ALL
        ), z AS (
            SELECT company_id, CASE WHEN heads >= $least_peers THEN (per_head - head) / nullif(head_sd,
                0) END
                AS staff_z, CASE WHEN kwhs >= $least_peers THEN (per_kwh - p.kwh) / nullif(kwh_sd,
                    0) END AS power_z
            FROM rate JOIN peers AS p USING (trade)
        )
        SELECT company_id, staff_z, power_z FROM z WHERE staff_z > $z OR power_z > $z
    """,
)
