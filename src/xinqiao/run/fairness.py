"""The fairness section of a run's model card: who is approved, and who was judged wrongly, by group."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xinqiao.indicator.model import COMPANY
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.text import Text
from xinqiao.policy.case import Case, bind
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.report.model_card import FairGroup, Fairness
from xinqiao.run.deciding import application_of
from xinqiao.run.material import Material
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.fairness import GroupRow, fairness

SALES, AGE = "INV01", "REG01"
SIZE_CNY = (1e6, 5e6, 2e7)
SIZES = (
    Text(zh="年开票额不足 100 万元", en="sales under 1 million CNY"),
    Text(zh="100 万–500 万元", en="1 to 5 million"),
    Text(zh="500 万–2000 万元", en="5 to 20 million"),
    Text(zh="2000 万元及以上", en="20 million and more"),
)
AGE_YEARS = (2.0, 5.0, 10.0)
AGES = (
    Text(zh="成立不足 2 年", en="under 2 years old"),
    Text(zh="2–5 年", en="2 to 5 years"),
    Text(zh="5–10 年", en="5 to 10 years"),
    Text(zh="10 年及以上", en="10 years and older"),
)


@dataclass(frozen=True, slots=True)
class Firms:
    """Firms at a date, in one order: whether approved, PD and outcome (NaN: unknown), shape (firms,)."""

    ids: Sequence[str]
    values: Mapping[str, Mapping[str, float | None]]
    approved: np.ndarray[tuple[int], np.dtype[np.bool_]]
    pd: Floats
    bad: Floats


def fairness_of(material: Material) -> tuple[Fairness, ...]:
    """One table a grouping; approvals are those of the run, errors those of the sample with outcomes.

    Firms without outcome are in no error rate; firms whose group is not known are in no group.
    """
    now, past = _decided(material), _hindsight(material)
    return tuple(_groupings(material, now, past))


def _groupings(material: Material, now: Firms, past: Firms | None) -> Iterator[Fairness]:
    size = Text(zh="按企业规模（近 12 个月开票额）", en="by size (sales invoiced in 12 months)")
    age = Text(zh="按成立年限", en="by age of the firm")
    district = Text(zh="按所在区县", en="by district")
    yield _table(size, SIZES, now, past, lambda firms: _banded(firms, SALES, SIZE_CNY))
    yield _table(age, AGES, now, past, lambda firms: _banded(firms, AGE, AGE_YEARS))
    found = sorted({c.division for c in material.companies if c.division})
    places = {code: str(i) for i, code in enumerate(found)}
    names = tuple(Text(zh=code, en=code) for code in found)
    by_id = {c.id: places.get(c.division or "") for c in material.companies}
    yield _table(district, names, now, past, lambda firms: [by_id.get(key) for key in firms.ids])


def _table(
    title: Text,
    names: Sequence[Text],
    now: Firms,
    past: Firms | None,
    group: Callable[[Firms], Sequence[str | None]],
) -> Fairness:
    rows = fairness(group(now), now.approved, now.pd)
    errors = (
        {} if past is None else {r.group: r for r in fairness(group(past), past.approved, past.pd, past.bad)}
    )
    return Fairness(title, tuple(_group(names[int(r.group)], r, errors.get(r.group)) for r in rows))


def _group(name: Text, row: GroupRow, errors: GroupRow | None) -> FairGroup:
    return FairGroup(
        name=name,
        companies=row.companies,
        approval=row.approval,
        interval=row.interval,
        ratio=row.approval_ratio if row.judged else None,
        unexplained=row.unexplained,
        mean_pd=row.mean_pd,
        to_explain=row.to_explain,
        known=errors.known if errors else 0,
        observed=errors.observed if errors else None,
        expected=errors.expected if errors else None,
        goods_refused=errors.goods_refused if errors else None,
        bads_approved=errors.bads_approved if errors else None,
        auc=errors.auc if errors else None,
    )


def _banded(firms: Firms, indicator: str, bounds: Sequence[float]) -> list[str | None]:
    """The place of each firm's value among ``bounds``, as text; None without a value."""
    values = (firms.values[key].get(indicator) for key in firms.ids)
    return [None if value is None else str(bisect_right(bounds, value)) for value in values]


def _decided(material: Material) -> Firms:
    """Every firm of the run with the decision it got."""
    made = [(r["company_id"], r["decision"]["outcome"], r["score"]["pd"]) for r in material.stored()]
    return Firms(
        ids=[key for key, _, _ in made],
        values=material.given,
        approved=np.array([outcome == "approve" for _, outcome, _ in made], dtype=bool),
        pd=np.array([pd for _, _, pd in made], dtype=np.float64),
        bad=np.full(len(made), np.nan),
    )


def _hindsight(material: Material) -> Firms | None:
    """The firms with outcomes, decided by the policy on what was known before the outcome."""
    snapshot, frame = material.sample_snapshot, material.sample_frame
    if snapshot is None or frame is None:
        return None
    scores = material.model.score_frame(frame).to_pylist()
    values = {row[COMPANY]: row for row in snapshot.rows()}
    reasons = _reasons(snapshot)
    told = {company.id: application_of(company) for company in material.sample_companies}
    cases = (
        Case(key, material.trained_at, values[key], reasons.get(key, {}), score, told.get(key, {}))
        for key, score in zip(frame.index, scores, strict=True)
    )
    policy = material.policy
    approved = [decide_inputs(policy, bind(policy, case)).outcome == "approve" for case in cases]
    return Firms(
        ids=list(frame.index),
        values=values,
        approved=np.array(approved, dtype=bool),
        pd=np.array([score["pd"] for score in scores], dtype=np.float64),
        bad=np.array(list(material.sample.values()), dtype=np.float64),
    )


def _reasons(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Company -> indicator -> why it has no value."""
    found: dict[str, dict[str, str]] = {}
    for row in snapshot.missing.to_pylist():
        found.setdefault(row[COMPANY], {})[row["indicator"]] = row["reason"]
    return found
