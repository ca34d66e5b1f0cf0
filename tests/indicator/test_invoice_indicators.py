"""INV01-INV28 and XQ01-XQ08, each worked by hand. T is 2024-12-31: 12M is 2024, before it 2023."""

from __future__ import annotations

from datetime import date

import pytest

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, T, Tables, firm, months, purchase, record, sale

D = date
YEAR = range(1, 13)
JUNE = D(2024, 6, 1)


def invoices(*rows: Row) -> Tables:
    return {"invoice": list(rows)}


def test_inv01_valid_sales_less_red_letters(evaluate: Evaluate) -> None:
    # 1000.10 + 500.05 - 200.00; the void one, the purchase and the year before do not count
    rows = invoices(
        sale("A", D(2024, 1, 1), 1000.10),
        sale("A", D(2024, 12, 31), 500.05),
        sale("A", D(2024, 6, 1), -200.00),
        sale("A", D(2024, 6, 1), 9.00, status="void"),
        purchase("A", D(2024, 6, 1), 70.00),
        sale("A", D(2023, 12, 31), 5000.00),
    )
    assert evaluate(rows, "INV01") == {"INV01": 1300.15}


def test_inv02_growth(evaluate: Evaluate) -> None:
    # 2024: 12 x 90 = 1080; 2023: 12 x 120 = 1440; 1080/1440 - 1 = -0.25
    rows = [sale("A", day, 90) for day in months(2024, YEAR)]
    rows += [sale("A", day, 120) for day in months(2023, YEAR)]
    assert evaluate(invoices(*rows), "INV02") == {"INV02": -0.25}


def test_inv03_last_quarter_against_the_months_before(evaluate: Evaluate) -> None:
    # Jan-Sep 100 a month, Oct-Dec 150 a month: 150/100 = 1.5
    rows = [sale("A", day, 100 if day.month < 10 else 150) for day in months(2024, YEAR)]
    assert evaluate(invoices(*rows), "INV03") == {"INV03": 1.5}


def test_inv04_months_without_sales(evaluate: Evaluate) -> None:
    # sales in Jan and Dec only; Feb has a void, Mar a red letter, Apr a purchase: 10 empty months
    rows = invoices(
        sale("A", D(2024, 1, 5), 1),
        sale("A", D(2024, 12, 5), 1),
        sale("A", D(2024, 2, 5), 1, status="void"),
        sale("A", D(2024, 3, 5), -1),
        purchase("A", D(2024, 4, 5), 1),
    )
    assert evaluate(rows, "INV04") == {"INV04": 10}


def test_inv04_of_a_company_silent_for_the_whole_window_is_12(evaluate: Evaluate) -> None:
    assert evaluate(invoices(sale("A", D(2022, 1, 5), 1)), "INV01", "INV04") == {"INV01": 0, "INV04": 12}


def test_inv05_variation_counts_empty_months_as_zero(evaluate: Evaluate) -> None:
    # six months of 200, six of 0: mean 100, every deviation 100,
    # sample deviation sqrt(12 x 100^2 / 11) = 104.446594, over the mean 1.044466
    rows = [sale("A", day, 200) for day in months(2024, range(1, 7))]
    assert evaluate(invoices(*rows), "INV05") == {"INV05": 1.044466}


def test_inv06_voided_by_number(evaluate: Evaluate) -> None:
    # 1 void of 4 sales invoices; purchases do not count
    rows = [sale("A", D(2024, 3, d), 10) for d in (1, 2, 3)]
    rows += [sale("A", D(2024, 3, 4), 0, status="void"), purchase("A", D(2024, 3, 4), 1, status="void")]
    assert evaluate(invoices(*rows), "INV06") == {"INV06": 0.25}


def test_inv07_reversed_amount(evaluate: Evaluate) -> None:
    # 30 reversed of 400 positive
    rows = invoices(sale("A", D(2024, 3, 1), 400), sale("A", D(2024, 4, 1), -30))
    assert evaluate(rows, "INV07") == {"INV07": 0.075}


def test_inv08_late_reversals(evaluate: Evaluate) -> None:
    # 1 Apr to 30 Jun is 90 days (not late), to 1 Jul 91 (late): 20 late of 20 + 60
    rows = invoices(
        sale("A", D(2024, 4, 1), 400),
        sale("A", D(2024, 6, 30), -60, original_issued_on=D(2024, 4, 1)),
        sale("A", D(2024, 7, 1), -20, original_issued_on=D(2024, 4, 1)),
    )
    assert evaluate(rows, "INV08") == {"INV08": 0.25}


def test_inv09_last_three_days_of_the_month(evaluate: Evaluate) -> None:
    # Feb 2024 has 29 days: the 27th counts (30 of 60 = .5), the 26th does not.
    # Mar: the 29th counts (10 of 10 = 1). Mean of .5 and 1 = .75
    rows = invoices(
        sale("A", D(2024, 2, 26), 30),
        sale("A", D(2024, 2, 27), 30),
        sale("A", D(2024, 3, 29), 10),
    )
    assert evaluate(rows, "INV09") == {"INV09": 0.75}


def test_inv10_night(evaluate: Evaluate) -> None:
    # 22:00:00, 23:59:59, 05:59:59 are night; 06:00:00 and 21:59:59 are day; one without time is left out
    times = ["22:00:00", "23:59:59", "05:59:59", "06:00:00", "21:59:59", None]
    rows = [sale("A", D(2024, 3, 1), 1, issued_at=time) for time in times]
    assert evaluate(invoices(*rows), "INV10") == {"INV10": 0.6}


def test_inv11_just_under_a_limit(evaluate: Evaluate) -> None:
    # 9950 and 10000 are in [9950, 10000]; -99999 is in [99500, 100000] by absolute amount;
    # 9949.99, 10000.01 and 50000 are not: 3 of 6
    amounts = [9950, 10000, -99999, 9949.99, 10000.01, 50000]
    rows = [sale("A", D(2024, 3, 1), cny) for cny in amounts]
    assert evaluate(invoices(*rows), "INV11") == {"INV11": 0.5}


def test_inv12_customers(evaluate: Evaluate) -> None:
    # P and Q bought; R only has a void, S only a red letter, U only bought in 2023
    rows = invoices(
        sale("A", D(2024, 3, 1), 1, "P"),
        sale("A", D(2024, 3, 2), 1, "P"),
        sale("A", D(2024, 3, 1), 1, "Q"),
        sale("A", D(2024, 3, 1), 1, "R", status="void"),
        sale("A", D(2024, 3, 1), -1, "S"),
        sale("A", D(2023, 3, 1), 1, "U"),
    )
    assert evaluate(rows, "INV12") == {"INV12": 2}


def test_inv13_inv14_concentration(evaluate: Evaluate) -> None:
    # net sales 40, 20, 10, 10, 10, 10; a seventh customer nets -5 and is left out.
    # top 5: 90/100; squares: .16 + .04 + 4 x .01 = .24
    rows = [sale("A", D(2024, 3, 1), cny, f"P{i}") for i, cny in enumerate([45, 20, 10, 10, 10, 10])]
    rows += [sale("A", D(2024, 4, 1), -5, "P0"), sale("A", D(2024, 4, 1), -5, "P7")]
    assert evaluate(invoices(*rows), "INV13", "INV14") == {"INV13": 0.9, "INV14": 0.24}


def test_inv15_kept_customers(evaluate: Evaluate) -> None:
    # 2023: P, Q, R, S; 2024: P, Z: 1 of 4 kept
    rows = [sale("A", D(2023, 3, 1), 1, buyer) for buyer in "PQRS"]
    rows += [sale("A", D(2024, 3, 1), 1, buyer) for buyer in "PZ"]
    assert evaluate(invoices(*rows), "INV15") == {"INV15": 0.25}


def test_inv16_new_customers(evaluate: Evaluate) -> None:
    # Oct-Dec 2024: 30 to N (first seen on 1 Oct), 70 to P (first seen in 2023): .3
    rows = invoices(
        sale("A", D(2023, 3, 1), 5, "P"),
        sale("A", D(2024, 10, 1), 30, "N"),
        sale("A", D(2024, 11, 1), 70, "P"),
    )
    assert evaluate(rows, "INV16") == {"INV16": 0.3}


def test_inv17_suppliers(evaluate: Evaluate) -> None:
    # six suppliers 50, 10 x 5: top 5 = 90 of 100; sales do not enter
    rows = [purchase("A", D(2024, 3, 1), cny, f"S{i}") for i, cny in enumerate([50, 10, 10, 10, 10, 10])]
    rows.append(sale("A", D(2024, 3, 1), 1000, "S0"))
    assert evaluate(invoices(*rows), "INV17") == {"INV17": 0.9}


def test_inv18_inv19_purchases_to_sales(evaluate: Evaluate) -> None:
    # 300 bought, 400 sold: .75 and 1 - .75
    rows = invoices(sale("A", D(2024, 3, 1), 400), purchase("A", D(2024, 3, 1), 300))
    assert evaluate(rows, "INV18", "INV19") == {"INV18": 0.75, "INV19": 0.25}


def goods(industry: str) -> Tables:
    rows = [sale("A", D(2024, 3, 1), 1, goods_code=f"{c}9") for c in ("01", "02", "03")]
    rows += [purchase("A", D(2024, 3, 1), 1, goods_code=f"{c}8") for c in ("03", "04")]
    return {"invoice": rows, "registry": [firm("A", industry_code=industry)]}


@pytest.mark.parametrize("industry", ["51", "F52", "5164"])
def test_inv20_mismatch_of_goods(evaluate: Evaluate, industry: str) -> None:
    # sold classes 01 02 03, bought 03 04: one in common of four, 1 - 1/4
    assert evaluate(goods(industry), "INV20") == {"INV20": 0.75}


def test_inv20_looks_at_the_20_largest_classes(evaluate: Evaluate) -> None:
    # 21 classes sold, the smallest (21) also the only one bought: not among the 20 largest,
    # so 0 in common of 20 + 1
    rows = [sale("A", D(2024, 3, 1), 100 - c, goods_code=f"{c:02}0") for c in range(1, 22)]
    rows.append(purchase("A", D(2024, 3, 1), 1, goods_code="210"))
    assert evaluate({"invoice": rows, "registry": [firm("A")]}, "INV20") == {"INV20": 1}


def edge(seller: str, buyer: str, cny: float, day: date = JUNE) -> Row:
    return sale(seller, day, cny, f"label-{buyer}", counterparty_id=buyer)


def test_inv21_mutual_invoicing(evaluate: Evaluate) -> None:
    # A sells 100 to B and 60 to C; buys 40 from B, 90 from C and 10 from E:
    # (min(100, 40) + min(60, 90)) / 160 = 100/160
    rows = invoices(
        edge("A", "B", 100),
        edge("A", "C", 60),
        purchase("A", D(2024, 6, 1), 40, counterparty_id="B"),
        purchase("A", D(2024, 6, 1), 90, counterparty_id="C"),
        purchase("A", D(2024, 6, 1), 10, counterparty_id="E"),
    )
    assert evaluate(rows, "INV21") == {"INV21": 0.625}


RINGS = [
    *(edge("A", "B", 50), edge("B", "C", 40), edge("C", "A", 90)),  # A-B-C, smallest 40
    *(edge("C", "D", 30), edge("D", "A", 80)),  # A-B-C-D, smallest 30
    *(edge("D", "E", 20), edge("E", "A", 70)),  # A-B-C-D-E, smallest 20
    edge("A", "Z", 150),  # leads nowhere
    edge("B", "A", 60),  # A-B-A is no ring of three
]


def test_inv22_rings(evaluate: Evaluate) -> None:
    # A sells 50 + 150 = 200; rings through A: 40 + 30 + 20 = 90
    assert evaluate(invoices(*RINGS), "INV22") == {"INV22": 0.45}


def test_inv22_is_seen_from_every_company_of_a_ring(evaluate: Evaluate) -> None:
    # D sells 80 + 20 = 100; the ring of four (30) and of five (20) pass through D
    assert evaluate(invoices(*RINGS), "INV22", company="D") == {"INV22": 0.5}


def test_inv22_small_edges_are_not_followed(evaluate: Evaluate) -> None:
    # A sells 4.99 of 100 to B, under 5 %: no ring
    rows = invoices(edge("A", "B", 4.99), edge("B", "C", 5), edge("C", "A", 5), edge("A", "Z", 95.01))
    assert evaluate(rows, "INV22") == {"INV22": 0}


def stake(company: str, holder: str, share: float) -> Row:
    kind = "person" if holder.islower() else "company"
    fields = {"holder_id": holder, "holder_kind": kind, "share": share}
    return record("registry_holding", D(2024, 1, 1), company, **fields)


def test_inv23_related_buyers(evaluate: Evaluate) -> None:
    # B shares the person (10), A holds .3 of C (20), p controls A and E (30); G shares the telephone only,
    # H is not in the register, A holds .2 of K: 60 of 120
    registry = [
        firm("A"),
        firm("B", legal_representative_hash="p-A"),
        *(firm(name) for name in "CEK"),
        firm("G", phone_hash="t-A"),
    ]
    stakes = [stake("C", "A", 0.3), stake("A", "p", 0.6), stake("E", "p", 1.0), stake("K", "A", 0.2)]
    amounts = {"B": 10, "C": 20, "E": 30, "G": 15, "H": 25, "K": 20}
    rows = [edge("A", buyer, cny) for buyer, cny in amounts.items()]
    tables = {"invoice": rows, "registry": registry, "registry_holding": stakes}
    assert evaluate(tables, "INV23") == {"INV23": 0.5}
    # what is known after T makes nobody related
    tables["registry_holding"] = [row | {"known_on": D(2025, 1, 1)} for row in stakes]
    assert evaluate(tables, "INV23") == {"INV23": 0.083333}


def test_inv24_doubtful_buyers(evaluate: Evaluate) -> None:
    # B revoked (10), C on a list (20), E established on 3 Mar: 1 Jun is day 90 (no), 31 May day 89 (30);
    # G was listed and removed, H is unknown: 60 of 200
    registry = [
        firm("A"),
        firm("B", status="revoked"),
        firm("C"),
        firm("E", established_on=D(2024, 3, 3)),
        firm("G"),
    ]
    listing = {"list": "irregular", "listed_on": D(2024, 1, 1), "known_on": D(2024, 1, 1)}
    lists = [
        listing | {"company_id": "C", "removed_on": None},
        listing | {"company_id": "G", "removed_on": D(2024, 2, 1), "known_on": D(2024, 2, 1)},
    ]
    rows = [edge("A", "B", 10), edge("A", "C", 20), edge("A", "E", 30, D(2024, 5, 31))]
    rows += [edge("A", "E", 40, D(2024, 6, 1)), edge("A", "G", 50), edge("A", "H", 50)]
    tables = {"invoice": rows, "registry": registry, "registry_listing": lists}
    assert evaluate(tables, "INV24") == {"INV24": 0.3}


def test_inv25_scores_of_customers_and_suppliers(evaluate: Evaluate) -> None:
    # sold 60 to B (100 - 60 dishonest - 20 irregular = 20) and 40 to C (100, was removed from the list);
    # bought 50 from D (revoked, 0) and 50 from E (100 - 40 rated D - 40 overdue = 20); Z is not registered:
    # (60 x 20 + 40 x 100) / 100 = 52; (0 + 50 x 20) / 100 = 10; together 31
    june = {"listed_on": JUNE, "known_on": JUNE}
    tables = invoices(
        edge("A", "B", 60),
        edge("A", "C", 40),
        edge("A", "Z", 99),
        purchase("A", JUNE, 50, counterparty_id="D"),
        purchase("A", JUNE, 50, counterparty_id="E"),
    ) | {
        "registry": [firm("A"), firm("B"), firm("C"), firm("D", status="revoked"), firm("E")],
        "registry_listing": [
            june | {"company_id": "B", "list": "irregular", "removed_on": None},
            june | {"company_id": "C", "list": "serious_violation", "removed_on": D(2024, 7, 1)},
        ],
        "court_list": [record("court_list", JUNE, "B", list="dishonest", subject="company")],
        "tax_rating": [record("tax_rating", JUNE, "E", rating_year=2023, level="D")],
        "credit_month": [record("credit_month", D(2024, 12, 1), "E", days_past_due=1)],
    }
    ids = ["INV25", "INV25D", "INV25U"]
    assert evaluate(tables, *ids) == {"INV25": 31, "INV25D": 52, "INV25U": 10}


@pytest.mark.parametrize(
    ("signal", "score"),
    [
        (("court_list", {"list": "bankruptcy", "subject": "company"}), 0),
        (("court_list", {"list": "consumption_limit", "subject": "controller"}), 70),
        (("credit_list", {"list": "serious_dishonest"}), 40),
        (("credit_list", {"list": "fraud_confirmed"}), 100),
        (("registry_listing", {"list": "serious_violation"}), 40),
        (("tax_rating", {"level": "C"}), 80),
        (("tax_rating", {"level": "A"}), 100),
        (("credit_month", {"interest_overdue": True, "days_past_due": 0}), 60),
    ],
)
def test_inv25_each_signal(evaluate: Evaluate, signal: tuple[str, dict[str, object]], score: float) -> None:
    contract, fields = signal
    day = D(2024, 12, 1)
    tables = invoices(edge("A", "B", 1)) | {"registry": [firm("A"), firm("B")]}
    assert evaluate(tables | {contract: [record(contract, day, "B", **fields)]}, "INV25D") == {
        "INV25D": score
    }
    # what becomes known after T costs nothing
    later = record(contract, day, "B", **fields, known_on=D(2025, 1, 1))
    assert evaluate(tables | {contract: [later]}, "INV25D") == {"INV25D": 100}


def test_inv25_needs_a_registered_counterparty(explain: Explain) -> None:
    tables = invoices(edge("A", "Z", 1)) | {"registry": [firm("A")]}
    assert explain(tables, "INV25", "INV25D", "INV25U") == dict.fromkeys(
        ["INV25", "INV25D", "INV25U"], "FIELD_EMPTY"
    )


def industry(heads: list[int], kwh: list[int]) -> Tables:
    """Firms F00, F01, ... with 100 CNY of sales each, people insured and a year of electricity."""
    names = [f"F{number:02}" for number in range(len(heads))]
    december = {"insurance": "pension", "known_on": T}
    return {
        "registry": [firm(name) for name in names],
        "invoice": [sale(name, D(2024, 3, 1), 100) for name in names],
        "social_insurance": [
            record("social_insurance", D(2024, 12, 1), name, insured=number, **december)
            for name, number in zip(names, heads, strict=True)
        ],
        "power_month": [
            record("power_month", day, name, kwh=number)
            for name, number in zip(names, kwh, strict=True)
            for day in months(2024, range(1, 13), 1)
        ],
    }


def test_inv27_sales_against_capacity(evaluate: Evaluate, explain: Explain) -> None:
    # of 20 firms 10 have 1 person and 10 have 100: ln(sales / staff) is +-ln(10) around its mean, the sample
    # deviation ln(10) x sqrt(20/19), z = +-sqrt(19/20) = +-0.974679; of electricity one uses e times as much
    # as the rest: z of the one -19/20 / sqrt(1/20) = -4.248529, of the rest 1/20 / sqrt(1/20) = 0.223607
    tables = industry([1] * 10 + [100] * 10, [1_000] * 19 + [2_718])
    assert evaluate(tables, "INV27", company="F00") == {"INV27": 0.974679}
    assert evaluate(tables, "INV27", company="F19") == {"INV27": -0.974679}
    found = evaluate(tables, "INV27E", company="F19")["INV27E"]
    assert found == pytest.approx(-4.248529, abs=2e-6)
    assert evaluate(tables, "INV27E", company="F00") == {"INV27E": 0.223607}
    few = industry([1] * 9 + [100] * 10, [1_000] * 19)
    assert explain(few, "INV27", "INV27E", company="F00") == {"INV27": "FEW_PEERS", "INV27E": "FEW_PEERS"}
    alike = industry([5] * 20, [1_000] * 20)
    alike["social_insurance"][1] |= {"insured": 0}
    alike["power_month"] = alike["power_month"][:-1]
    alike["registry"].append(firm("F20"))
    alike["invoice"].append(sale("F20", D(2020, 1, 1), 1))
    assert explain(alike, "INV27E", company="F19") == {"INV27E": "FIELD_EMPTY"}
    assert explain(alike, "INV27", company="F01") == {"INV27": "FIELD_EMPTY"}
    assert explain(alike, "INV27", company="F20") == {"INV27": "ZERO_DENOMINATOR"}


def test_inv26_persons(evaluate: Evaluate) -> None:
    # 30 to a person, 70 to a company, 100 of unknown kind left out
    kinds = {"person": 30, "company": 70, None: 100}
    rows = [sale("A", D(2024, 3, 1), cny, counterparty_kind=kind) for kind, cny in kinds.items()]
    assert evaluate(invoices(*rows), "INV26") == {"INV26": 0.3}


def test_inv28_history_and_months_from_establishment(evaluate: Evaluate) -> None:
    # first valid sale 15 May 2024: 7 whole months to 31 Dec; 15 May 2020 + 48 months = the same day.
    # the void of March and the purchase of 2023 are no first sale
    rows = [
        sale("A", D(2024, 5, 15), 1),
        sale("A", D(2024, 3, 1), 1, status="void"),
        purchase("A", D(2023, 1, 1), 1),
    ]
    tables = {"invoice": rows, "registry": [firm("A", established_on=D(2020, 5, 15))]}
    assert evaluate(tables, "INV28", "INV28E") == {"INV28": 7, "INV28E": 48}


def test_own_indicators(evaluate: Evaluate) -> None:
    # sales: 2022 100; 2023-06 30; 2024-10 50 and 70, red -20 -> all 230; active months of 24: 2
    # last sale Oct, last complete month Dec: 2; valid sales rows of 12M: 3; mean of 50 and 70: 60
    rows = invoices(
        sale("A", D(2022, 1, 1), 100),
        sale("A", D(2023, 6, 1), 30),
        sale("A", D(2024, 10, 1), 50),
        sale("A", D(2024, 10, 2), 70),
        sale("A", D(2024, 11, 2), -20),
        purchase("A", D(2023, 1, 1), 11, "S"),
        purchase("A", D(2024, 1, 1), 5, "S"),
        purchase("A", D(2024, 1, 1), 6, "R"),
    )
    ids = [f"XQ0{i}" for i in range(1, 9)]
    expected = [230, 22, 2, 2, 2, 11, 3, 60]
    assert evaluate(rows, *ids) == dict(zip(ids, expected, strict=True))
