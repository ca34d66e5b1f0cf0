"""Vintages, rolls, migrations and concentrations of books whose figures are known."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.monitoring import portfolio
from xinqiao.monitoring.loan_book import LOANS, MONTHS
from xinqiao.monitoring.panel import month_ends
from xinqiao.monitoring.stress import scenarios, stress

BUCKETS = [0, 30, 60, 90]
CLASSES = ["normal", "special_mention", "substandard", "doubtful", "loss"]


def months(*loans: tuple[date, float, list[tuple[int, str, str]]]) -> pl.DataFrame:
    """Loans drawn on a day, of a sum, with (days, class, state) at each month end from then on."""
    rows = []
    for number, (drawn, amount, ends) in enumerate(loans):
        days = month_ends(drawn, date(2030, 12, 31))
        for on, (late, name, state) in zip(days, ends, strict=False):
            principal = 0.0 if state == "closed" else amount
            rows.append([f"L{number}", f"C{number}", on, drawn, amount, principal, late, name, state])
    return pl.DataFrame(rows, schema=MONTHS, orient="row")


def end(days: int, name: str = "normal", state: str = "open") -> tuple[int, str, str]:
    return days, name, state


def test_a_vintage_is_the_share_of_the_sum_ever_bad_by_month_on_book() -> None:
    found = portfolio.vintages(
        months(
            (date(2025, 1, 10), 100.0, [end(0), end(0), end(35), end(0), end(0)]),
            (date(2025, 2, 10), 300.0, [end(0), end(0), end(0), end(10)]),
            (date(2025, 4, 10), 50.0, [end(31), end(0)]),
        ),
        30,
    )
    assert [(v.quarter, v.loans, v.amount_cny) for v in found] == [("2025Q1", 2, 400.0), ("2025Q2", 1, 50.0)]
    assert found[0].shares == (0.0, 0.0, 0.25, 0.25)
    assert found[1].shares == (1.0, 1.0)


def test_rolls_say_where_the_principal_of_a_bucket_went() -> None:
    book = months(
        (date(2025, 1, 10), 100.0, [end(0), end(15), end(45)]),
        (date(2025, 1, 10), 300.0, [end(0), end(0), end(0, state="closed")]),
        (date(2025, 1, 10), 200.0, [end(15), end(0), end(0, state="written_off")]),
    )
    flow = portfolio.rolls(book, BUCKETS)
    assert [str(name.en) for name in flow.rows][:2] == ["current", "1 to 30 days"]
    names = [name.en for name in flow.columns]
    current = dict(zip(names, flow.shares[0], strict=True))
    assert flow.sums[0] == 900.0
    assert current["current"] == pytest.approx(300 / 900)
    assert current["1 to 30 days"] == pytest.approx(100 / 900)
    assert current["repaid"] == pytest.approx(300 / 900)
    assert current["written off"] == pytest.approx(200 / 900)
    late = dict(zip(names, flow.shares[1], strict=True))
    assert (late["current"], late["31 to 60 days"]) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_a_migration_over_several_months_looks_that_far() -> None:
    book = months((date(2025, 1, 10), 100.0, [end(0), end(0), end(0), end(100, "substandard")]))
    one, three = portfolio.migration(book, 1), portfolio.migration(book, 3)
    assert one.sums[0] == 300.0
    assert one.shares[0][2] == pytest.approx(1 / 3)
    assert three.sums[0] == 100.0
    assert three.shares[0][2] == 1.0


ENDS = st.lists(
    st.tuples(
        st.integers(0, 400), st.sampled_from(CLASSES), st.sampled_from(["open", "closed", "written_off"])
    ),
    min_size=1,
    max_size=8,
)


@given(
    st.lists(
        st.tuples(st.sampled_from([date(2025, 1, 5), date(2025, 5, 5)]), st.just(100.0), ENDS), max_size=6
    )
)
def test_every_row_of_a_flow_goes_somewhere_and_vintages_never_fall(
    loans: list[tuple[date, float, list[tuple[int, str, str]]]],
) -> None:
    book = months(*loans)
    for flow in (portfolio.rolls(book, BUCKETS), portfolio.migration(book, 1)):
        for total, shares in zip(flow.sums, flow.shares, strict=True):
            assert sum(shares) == pytest.approx(1.0 if total else 0.0)
    for vintage in portfolio.vintages(book, 30):
        assert list(vintage.shares) == sorted(vintage.shares)
        assert all(0 <= share <= 1 for share in vintage.shares)


def loans() -> pl.DataFrame:
    rows = [
        [
            "L1",
            "A",
            "示范餐饮有限公司",
            "P1",
            "credit",
            "H",
            "990101",
            "micro",
            "company",
            "A",
            100.0,
            0,
            "normal",
            "R4",
            0.02,
            0.6,
        ],
        [
            "L2",
            "B",
            "示范机械有限公司",
            "P1",
            "credit",
            "C",
            "990101",
            "small",
            "company",
            "G",
            200.0,
            0,
            "normal",
            "R5",
            0.04,
            0.6,
        ],
        [
            "L3",
            "C",
            "示范货运有限公司",
            "P2",
            "collateral",
            None,
            None,
            None,
            None,
            "G",
            100.0,
            120,
            "doubtful",
            None,
            1.0,
            0.3,
        ],
    ]
    return pl.DataFrame(rows, schema=LOANS, orient="row")


def test_expected_loss_is_pd_times_lgd_times_exposure() -> None:
    found = portfolio.expected_loss(loans())
    assert found.borrowers == 3
    assert found.exposure_cny == 400.0
    assert found.loss_cny == pytest.approx(100 * 0.02 * 0.6 + 200 * 0.04 * 0.6 + 100 * 0.3)
    assert found.default_cny == 100.0
    assert portfolio.expected_loss(loans().clear()).rate == 0.0


def test_concentration_counts_groups_as_one() -> None:
    found = portfolio.concentration(loans(), "group", "name")
    assert [(p.key, p.share, p.borrowers) for p in found.parts] == [("G", 0.75, 2), ("A", 0.25, 1)]
    assert found.index == pytest.approx(0.75**2 + 0.25**2)
    assert found.top == pytest.approx(1.0)
    assert portfolio.concentration(loans(), "section").parts[0].key == "C"
    assert {p.key for p in portfolio.concentration(loans(), "section").parts} == {"H", "C", "-"}


def test_a_shock_moves_what_it_hits_and_leaves_defaults() -> None:
    assert "epidemic" in scenarios()
    found = stress(loans(), "epidemic")
    before, after = found.before, found.after
    assert after.loss_cny > before.loss_cny
    rows = {row["company_id"]: row for row in found.loans.iter_rows(named=True)}
    assert rows["A"]["pd"] > 2.5 * 0.02
    assert rows["A"]["lgd"] == pytest.approx(0.65)
    assert rows["C"]["pd"] == 1.0
    hit = {each.name.en: each.borrowers for each in found.hits}
    assert hit["transport: halted"] == 1
    assert hit["all: weaker demand, credit harder to get"] == 3
