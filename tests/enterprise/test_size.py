from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.enterprise.standard_text import LADDERS, article_of, ladder
from xinqiao.enterprise.industry import classes, find_industry, industries
from xinqiao.enterprise.size import TIERS, Number, read_number, read_size, size_class, size_classes
from xinqiao.enterprise.size_standard import standard
from xinqiao.kernel.errors import UserError

ONE = {  # a class of each article
    1: "0111", 2: "1311", 3: "4710", 4: "5111", 5: "5211", 6: "5411", 7: "5920", 8: "6020", 9: "6110",
    10: "6210", 11: "6311", 12: "6511", 13: "7010", 14: "7020", 15: "7111", 16: "7310",
}  # fmt: skip
INDICATORS = ("staff", "revenue_10k", "assets_10k")
STEP = Decimal("0.0000000001")
PLENTY = Decimal(10**8)
LEAVES = [entry for entry in industries().values() if len(entry.digits) == 4]

EDGES = [
    pytest.param(
        ONE[article], name, bound, TIERS[tier - 1], TIERS[tier], id=f"{article}-{name}-{TIERS[tier]}"
    )
    for article, steps in enumerate(LADDERS, 1)
    for tier, size in ((3, "large"), (2, "medium"), (1, "small"))
    for name, bound in steps[size].items()
]


def asked(code: str | None, values: dict[str, Number | None]) -> str:
    return size_class(code, **{name: values.get(name) for name in INDICATORS}).size


def vector(codes: list[str | None], values: dict[str, list[float]]) -> list[str]:
    return list(size_classes(codes, *(values[name] for name in INDICATORS)))


def test_the_text_and_the_catalog_hold_the_same_bounds() -> None:
    assert len(standard().industries) == len(LADDERS) == 16
    for part, steps in zip(standard().industries, LADDERS, strict=True):
        told = {
            name: (steps["small"][name], steps["medium"][name], steps["large"][name]) for name in part.lower
        }
        assert part.lower == told
        assert set(steps["large"]) == set(part.lower)


@pytest.mark.parametrize(("code", "name", "bound", "below", "at"), EDGES)
def test_every_bound_is_included_and_the_lowest_indicator_counts(
    code: str, name: str, bound: int, below: str, at: str
) -> None:
    for value, expected in ((bound - STEP, below), (Decimal(bound), at), (bound + STEP, at)):
        values = dict.fromkeys(INDICATORS, PLENTY) | {name: value}
        assert asked(code, values) == expected
        assert read_size(code, {n: f"{v:,}" for n, v in values.items()}).size == expected
    floats = {other: [float(PLENTY)] * 3 for other in INDICATORS}
    floats[name] = [np.nextafter(bound, 0), float(bound), np.nextafter(bound, np.inf)]
    assert vector([code] * 3, floats) == [below, at, at]


def test_every_class_falls_where_the_text_puts_it() -> None:
    ids = [part.id for part in standard().industries]
    for entry in LEAVES:
        (part,) = standard().parts[entry.code]
        article = article_of(entry.digits)
        assert (ids.index(part.id) + 1 if part in standard().industries else None) == article, entry


def _drawn(draw: random.Random, digits: str) -> dict[str, Decimal | None]:
    """Values near the bounds more often than not, and missing ones."""
    article = article_of(digits)
    steps = LADDERS[(article or 16) - 1]
    values: dict[str, Decimal | None] = {}
    for name in INDICATORS:
        bounds = [needed[name] for needed in steps.values() if name in needed] or [100]
        near = Decimal(draw.choice(bounds)) + draw.choice(
            [Decimal(0), STEP, -STEP, Decimal("0.01"), Decimal(-1)]
        )
        far = Decimal(str(round(10 ** draw.uniform(-2, 6), 2)))
        values[name] = draw.choice([near, far, far, None])
    return values


@pytest.mark.slow
def test_100_000_random_firms_agree_with_the_restated_text() -> None:
    draw = random.Random(20170213)  # noqa: S311 - a reproducible sample, not a secret
    seen: dict[str, int] = {}
    rows = []
    for _ in range(100_000):
        entry = draw.choice(LEAVES)
        values = _drawn(draw, entry.digits)
        expected = ladder(entry.digits, values)
        code = draw.choice([entry.code, entry.digits, entry.digits])
        assert asked(code, values) == expected, (code, values)
        rows.append((code, values, expected))
        seen[expected] = seen.get(expected, 0) + 1
    assert set(seen) == {*TIERS, "UNKNOWN", "NOT_APPLICABLE"}
    assert min(seen.values()) > 1_000, seen
    # the vectorised form sees floats: it must say what the text says of those floats
    floats = {n: [float("nan") if v[n] is None else float(v[n]) for _, v, _ in rows] for n in INDICATORS}
    same = [
        ladder(code[-4:], {n: None if values[n] is None else Decimal(float(values[n])) for n in INDICATORS})
        for code, values, _ in rows
    ]
    assert vector([code for code, _, _ in rows], floats) == same


NUMBER = st.one_of(
    st.none(),
    st.integers(0, 10**6),
    st.floats(0, 1e8),
    st.decimals(0, 10**6, places=4),
)


@given(st.sampled_from(sorted({e.code for e in industries().values()})), NUMBER, NUMBER, NUMBER)
def test_a_coarse_code_is_answered_only_when_all_under_it_agree(
    code: str, staff: Number | None, revenue: Number | None, assets: Number | None
) -> None:
    under = {size_class(leaf.code, staff, revenue, assets).size for leaf in classes()[code]}
    expected = under.pop() if len(under) == 1 else "UNKNOWN"
    answer = size_class(code, staff, revenue, assets)
    assert answer.size == expected
    assert answer.reason.zh
    assert answer.reason.en
    floats = [[float("nan") if v is None else float(v)] for v in (staff, revenue, assets)]
    assert (
        size_classes([code], *floats)[0]
        == size_class(code, *(f[0] if f[0] == f[0] else None for f in floats)).size
    )


@given(st.sampled_from(LEAVES), NUMBER, NUMBER, NUMBER)
def test_a_known_answer_does_not_change_when_what_was_missing_becomes_known(
    leaf: object, staff: Number | None, revenue: Number | None, assets: Number | None
) -> None:
    code = leaf.code  # type: ignore[attr-defined]  # hypothesis draws an Industry
    before = size_class(code, staff, revenue, assets).size
    if before == "UNKNOWN":
        filled = {
            size_class(code, *(f if v is None else v for v in (staff, revenue, assets))).size
            for f in (0, 10**8)
        }
        assert len(filled) > 1
    else:
        for filling in (0, 50, 2_000, 10**8):
            after = size_class(code, *(filling if v is None else v for v in (staff, revenue, assets)))
            assert after.size == before


@pytest.mark.parametrize(
    ("code", "values", "size"),
    [
        ("51", {"staff": 4}, "micro"),
        ("51", {"revenue_10k": 999.99}, "micro"),
        ("51", {"staff": 5}, "UNKNOWN"),
        ("51", {}, "UNKNOWN"),
        ("7010", {"staff": 3}, "UNKNOWN"),
        ("7010", {"assets_10k": 1999, "staff": 10**6}, "micro"),
        ("J66", {}, "NOT_APPLICABLE"),
        ("53", {"staff": 1}, "NOT_APPLICABLE"),
        ("P", {"staff": 1}, "NOT_APPLICABLE"),
        ("S", {}, "NOT_APPLICABLE"),
        ("704", {}, "NOT_APPLICABLE"),
        ("70", {"staff": 1, "revenue_10k": 1, "assets_10k": 1}, "UNKNOWN"),
        ("G", {"staff": 1}, "UNKNOWN"),
        ("Q", {"staff": 1}, "UNKNOWN"),
        ("59", {"staff": 1}, "micro"),
        ("59", {"staff": 250, "revenue_10k": 2_000}, "UNKNOWN"),
        ("H", {"staff": 100, "revenue_10k": 2_000}, "medium"),
        ("F", {"staff": 9, "revenue_10k": 999}, "micro"),
        (" c１３ ", {"staff": 20, "revenue_10k": 300}, "small"),
        (None, {"staff": 1, "revenue_10k": 1, "assets_10k": 1}, "UNKNOWN"),
    ],
    ids=str,
)
def test_missing_coarse_and_left_out(code: str | None, values: dict[str, Number | None], size: str) -> None:
    assert asked(code, values) == size
    floats = {
        name: [float("nan") if values.get(name) is None else float(values[name] or 0)] for name in INDICATORS
    }
    assert vector([code], floats) == [size]


@pytest.mark.parametrize("name", INDICATORS)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-1, "ENT-RANGE"), (-1e-9, "ENT-RANGE"), (Decimal("-0.01"), "ENT-RANGE"), (10**400, "ENT-RANGE"),
        (1e300, "ENT-RANGE"), (Decimal("1e400"), "ENT-RANGE"), (float("nan"), "ENT-NUMBER"),
        (float("inf"), "ENT-NUMBER"), (Decimal("NaN"), "ENT-NUMBER"), (Decimal("sNaN"), "ENT-NUMBER"),
    ],
    ids=lambda v: v if isinstance(v, str) else repr(v)[:12],
)  # fmt: skip
def test_what_no_firm_has_is_refused_wherever_it_stands(name: str, value: Number, code: str) -> None:
    for industry in ("C", "J", None):  # also where the indicator would not be looked at
        with pytest.raises(UserError, match=code):
            asked(industry, {name: value})


def test_the_vectorised_form_names_the_row_at_fault() -> None:
    with pytest.raises(UserError, match=r"ENT-RANGE.*staff\[1\]"):
        size_classes(["C", "C"], [1, -1], [1, 1], [1, 1])
    with pytest.raises(UserError, match=r"ENT-NUMBER.*assets_10k\[0\]"):
        size_classes(["C", "C"], [1, 1], [1, 1], [np.inf, 1])
    with pytest.raises(UserError, match=r"ENT-INDUSTRY.*industry\[2\]"):
        size_classes(["C", "C", "9999"], [1] * 3, [1] * 3, [1] * 3)
    assert size_classes([], [], [], []).tolist() == []


@pytest.mark.parametrize("code", ["", "9999", "A13", "C51", "U", "131111", "1 3 x", "C1", "0"])
def test_a_code_the_standard_does_not_have(code: str) -> None:
    with pytest.raises(UserError, match="ENT-INDUSTRY"):
        size_class(code, 1, 1, 1)


def test_the_nearest_known_code_is_named() -> None:
    with pytest.raises(UserError, match="C13 农副食品加工业"):
        size_class("1300", 1, 1, 1)


def test_the_classification_is_whole() -> None:
    counts = [sum(len(e.digits) == n for e in industries().values()) for n in (0, 2, 3, 4)]
    assert counts == [20, 97, 473, 1381]
    assert len({e.code for e in industries().values()}) == sum(counts)
    for entry in industries().values():
        if len(entry.digits) > 2:
            above = find_industry(entry.digits[:-1])
            assert above is not None
            assert above.section == entry.section


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("300", "300"), ("299.99", "299.99"), (" １,２３４．５ ", "1234.5"), (".5", "0.5"), ("1e3", "1000"),
        ("299.99999999999999999999", "299.99999999999999999999"), ("", None), ("　", None),
    ],
)  # fmt: skip
def test_texts_become_exact_numbers(text: str, value: str | None) -> None:
    assert read_number("staff", text) == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-inf", "1_000", "1,00", "十", ".", "1.2.3", "0x10", "1e99999", "١"]
)
def test_texts_that_are_no_numbers(text: str) -> None:
    with pytest.raises(UserError, match="ENT-NUMBER"):
        read_number("staff", text)


def test_a_text_just_below_a_bound_is_not_rounded_up_to_it() -> None:
    below = read_number("revenue_10k", "299.99999999999999999999")
    assert size_class("C", 20, below).size == "micro"
    assert size_class("C", 20, Decimal(300)).size == "small"


@pytest.mark.parametrize("code", ["CC", "C C", "cＣ", "JJ"])
def test_a_letter_twice_is_no_section(code: str) -> None:
    assert find_industry(code) is None


def test_endless_texts_are_refused_at_once() -> None:
    with pytest.raises(UserError, match="ENT-INDUSTRY") as error:
        size_class("1311" + " " * 1_000_000)
    assert len(error.value.what.zh) < 200
    with pytest.raises(UserError, match="ENT-NUMBER") as error:
        read_number("staff", "1" * 1_000_000)
    assert len(error.value.what.zh) < 200
    tiny = read_size("1311", {"staff": "1e-999", "revenue_10k": "5", "assets_10k": None})
    assert tiny.size == "micro"
    assert len(tiny.reason.zh) < 300
