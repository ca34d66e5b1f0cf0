"""OPN01-OPN05, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, T, Tables, firm, record, sale
from xinqiao.kernel.period import add_months

D = date
FIRMS = [firm("A"), firm("B")]


def article(days_ago: int, kind: str = "lawsuit", negative: float = 1.0, match: float | None = 1.0) -> Row:
    day = T - timedelta(days=days_ago)
    return record("news", day, event_type=kind, negative=negative, match=match)


def news(*rows: Row) -> Tables:
    return {"registry": FIRMS, "news": list(rows)}


def test_opn01_weights_fade(evaluate: Evaluate) -> None:
    # absconded today, probability .8: 5 x .8 = 4; a lawsuit 30 days ago: 1 / e = .367879; an accident
    # 89 days ago, .5: 3 x exp(-89/30) x .5 = .077212 (exp(-2.966667) = .0514746)
    rows = news(
        article(0, "absconded", 0.8),
        article(30),
        article(89, "accident", 0.5),
        article(90, "accident"),
        article(0, "accident", 0.49),
        article(0, "accident", match=0.89),
        article(0, "none"),
    )
    assert evaluate(rows, "OPN01") == {"OPN01": 4.445091}
    assert evaluate(rows, "OPN01", company="B") == {"OPN01": 0}


@pytest.mark.parametrize(
    ("kind", "weight"), [("wage_arrears", 4), ("default", 3), ("quality", 1), ("other", 0.5)]
)
def test_opn01_weights(evaluate: Evaluate, kind: str, weight: float) -> None:
    assert evaluate(news(article(0, kind)), "OPN01") == {"OPN01": weight}


def test_opn02_major_news(evaluate: Evaluate) -> None:
    cases = [
        (article(179, "shutdown", 0.81, 0.9), 1),
        (article(180, "shutdown"), 0),
        (article(0, "shutdown", 0.8), 0),
        (article(0, "shutdown", match=0.89), 0),
        (article(0, "lawsuit"), 0),
    ]
    assert [evaluate(news(row), "OPN02")["OPN02"] for row, _ in cases] == [value for _, value in cases]


def test_opn02_counts_from_the_day_it_was_known(evaluate: Evaluate) -> None:
    late = article(10, "wage_arrears") | {"known_on": D(2025, 1, 1)}
    assert evaluate(news(late), "OPN01", "OPN02") == {"OPN01": 0, "OPN02": 0}


def test_opn04_match_of_the_news(evaluate: Evaluate, explain: Explain) -> None:
    rows = news(article(0, match=1), article(179, match=0.5), article(180, match=0), article(0, match=None))
    assert evaluate(rows, "OPN04") == {"OPN04": 0.75}
    assert explain(news(article(180)), "OPN04") == {"OPN04": "STALE"}
    assert explain(rows, "OPN04", company="B") == {"OPN04": "NO_RECORDS"}


def posts(number: int, months_ago: int, lag: int = 0) -> Row:
    month = add_months(D(2024, 12, 1), -months_ago)
    return record("recruitment", month, posts=number, known_on=add_months(month, lag))


def advertised(*rows: Row) -> Tables:
    return {"registry": FIRMS, "recruitment": list(rows)}


def test_opn03_posts_against_the_year_before(evaluate: Evaluate, explain: Explain) -> None:
    # October to December 1 + 2 + 3, of the year before 4 + 4 + 4, other months do not count
    counts = {0: 1, 1: 2, 2: 3, 3: 50, 11: 50, 12: 4, 13: 4, 14: 4, 15: 50}
    rows = advertised(*(posts(number, ago) for ago, number in counts.items()))
    assert evaluate(rows, "OPN03") == {"OPN03": -0.5}
    # December not known yet: September to November, 2 + 3 + 50 against 4 + 4 + 50
    rows = advertised(*(posts(number, ago, 2) for ago, number in counts.items()))
    assert evaluate(rows, "OPN03", as_of=D(2025, 1, 31)) == {"OPN03": -0.051724}
    assert explain(advertised(posts(1, 13)), "OPN03") == {"OPN03": "STALE"}
    assert explain(advertised(posts(1, 0), posts(1, 13)), "OPN03") == {"OPN03": "SHORT_HISTORY"}
    assert explain(advertised(posts(1, 0), posts(1, 15)), "OPN03") == {"OPN03": "ZERO_DENOMINATOR"}


def complaints(company: str, number: int) -> list[Row]:
    return [record("complaint", D(2024, 1, 1), company) for _ in range(number)]


def test_opn05_complaints_by_sales(evaluate: Evaluate, explain: Explain) -> None:
    # 3 complaints of the year on 500,000 CNY are 6 per million; one of 31 Dec 2023 is out
    rows: Tables = {
        "registry": FIRMS,
        "invoice": [sale("A", D(2024, 3, 1), 500_000)],
        "complaint": [*complaints("A", 3), record("complaint", D(2023, 12, 31))],
    }
    assert evaluate(rows, "OPN05") == {"OPN05": 6}
    assert explain(rows, "OPN05", company="B") == {"OPN05": "NO_RECORDS"}
    assert explain(rows, "OPN05H") == {"OPN05H": "FEW_PEERS"}
    rows["invoice"] = [sale("A", D(2023, 3, 1), 500_000)]
    assert explain(rows, "OPN05") == {"OPN05": "ZERO_DENOMINATOR"}


def test_opn05_industry(evaluate: Evaluate) -> None:
    # 21 firms of one industry with a million of sales each, firm k has k complaints: P95 is at place 19 of
    # 0..20; firms of other industries or without sales do not count
    names = [f"F{number:02}" for number in range(21)]
    rows: Tables = {
        "registry": [firm(name) for name in [*names, "Z"]] + [firm("Y", industry_code="30")],
        "invoice": [sale(name, D(2024, 3, 1), 1_000_000) for name in [*names, "Y"]],
        "complaint": [row for n, name in enumerate([*names, *["Y"] * 9]) for row in complaints(name, n)],
    }
    assert evaluate(rows, "OPN05", "OPN05H", company="F20") == {"OPN05": 20, "OPN05H": 19}
