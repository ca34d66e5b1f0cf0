"""Tables every rule may use, made once: firms, their owners, valid sales, changes, applications.

In the queries ``as_of()`` is the date T and ``past(day, months)`` the rolling window (T - months, T].
"""

from __future__ import annotations

import pyarrow as pa

from xinqiao.enterprise.address import plain_address
from xinqiao.relation.measures import relation_tables
from xinqiao.source.as_of import AsOf

CONTRACTS = (
    *("registry", "registry_change", "registry_person", "registry_holding", "invoice", "tax_payment"),
    *("tax_event", "social_insurance", "power_month", "guarantee", "application", "application_document"),
    *("loan", "loan_contact", "phone_line", "bank_flow", "credit_list"),
)
"""The contracts the rules read."""

_MACROS = {
    "as_of()": "getvariable('as_of')",
    "past(day, months)": "day > as_of() - to_months(CAST(months AS INTEGER)) AND day <= as_of()",
    "rec(contract, key, day, cents)": """struct_pack(contract := contract, key := CAST(key AS VARCHAR),
        day := CAST(day AS DATE), cents := CAST(cents AS BIGINT))""",
    "edge(source, target, kind, cents, n)": """struct_pack(source := CAST(source AS VARCHAR),
        target := CAST(target AS VARCHAR), kind := kind, cents := CAST(cents AS BIGINT),
        count := CAST(n AS BIGINT))""",
}

_TABLES = {
    "firm": """
        SELECT company_id, kind, status, established_on, ended_on, legal_representative_hash AS person,
            place, phone_hash, email_hash, agent_hash,
            regexp_extract(industry_code, '[0-9]{2}') AS trade
        FROM registry LEFT JOIN place USING (company_id)
    """,
    # firms of one owner are related: the actual controller, else the legal representative, else itself
    "owner_of": """
        SELECT firm.company_id, coalesce(c.controller_id, firm.person, firm.company_id) AS owner
        FROM firm LEFT JOIN control AS c USING (company_id)
    """,
    "sale": """
        SELECT company_id, counterparty_id AS buyer, invoice_no, issued_on, amount_cents AS cents,
            terminal_hash, original_no, original_issued_on, goods_code,
            NOT (status = 'void' AND coalesce(status_known_on, known_on) <= as_of()) AS valid
        FROM invoice WHERE direction = 'output'
    """,
    "sales_12m": """
        SELECT company_id, sum(cents) FILTER (valid) AS cents, count(*) AS invoices,
            count(*) FILTER (NOT valid) AS void_invoices
        FROM sale WHERE past(issued_on, 12) GROUP BY company_id
    """,
    # one intent sent to several banks is one application
    "applied": """
        SELECT company_id, coalesce(intent_no, application_no) AS intent, min(applied_on) AS day,
            min(application_no) AS application_no, min(amount_cents) AS cents,
            min(industry_code) AS industry, min(device_hash) AS device, min(ip_hash) AS ip,
            min(agent_hash) AS agent, min(referrer_hash) AS referrer, min(phone_hash) AS phone,
            min(template_hash) AS template
        FROM application WHERE past(applied_on, 12) GROUP BY ALL
    """,
}


def prepare(at: AsOf) -> None:
    """Define the macros and make the tables; order matters, each may use those before it."""
    for head, body in _MACROS.items():
        at.connection.execute(f"CREATE MACRO {head} AS {body}")
    at.add("control", _control(at))
    at.add("place", _places(at))
    for name, query in _TABLES.items():
        at.keep(name, query)


def _places(at: AsOf) -> pa.Table:
    """Addresses in one way of writing, so that width and blanks make no other address."""
    rows = at.table("SELECT company_id, address FROM registry WHERE address IS NOT NULL")
    texts = rows["address"].combine_chunks().dictionary_encode()
    plain = pa.array([plain_address(text) for text in texts.dictionary.to_pylist()], pa.string())
    return pa.table({"company_id": rows["company_id"], "place": plain.take(texts.indices)})


def _control(at: AsOf) -> pa.Table:
    table = relation_tables(at.lake, at.as_of, ["relation_control"])["relation_control"]
    return table.select(["company_id", "controller_id"])
