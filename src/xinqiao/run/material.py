"""What the pages of a run show, as the stages before left it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from xinqiao.indicator.flag import red_flags
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import Policy
from xinqiao.policy.release import CHAMPION, Release
from xinqiao.policy.store import DecisionStore
from xinqiao.portrait.build import Portrait
from xinqiao.report.charts.bars import Month
from xinqiao.report.charts.scale import Band
from xinqiao.run import views
from xinqiao.run.companies import Company, Records, with_facts
from xinqiao.scoring.drift import Drift
from xinqiao.scoring.model import Model, Part

STATIC = Text(
    zh="历史回测：违约结果没有日期，评分卡学习过其中 {n} 户的结果；这些企业的模型效果以嵌套交叉验证为准，"
    "决策不使用其已知的违约结果",
    en="a back-test: outcomes carry no date and the card has learned from {n} of these firms; how good it is "
    "is told by nested cross-validation, and decisions don't use the known outcome",
)


@dataclass(frozen=True)
class Material:
    """All that the pages show, as the stages before left it.

    ``model`` and ``policy`` are the champion's; ``models`` and ``policies`` those of every arm.
    """

    dataset: Text
    generated: bool
    as_of: date
    model: Model
    model_id: str
    policy: Policy
    models: Mapping[str, Model]
    policies: Mapping[str, Policy]
    release: Release | None
    validation: Sequence[Mapping[str, Any]]
    snapshot: Snapshot
    companies: Sequence[Company]
    series: pa.Table
    records: Mapping[str, Mapping[str, Records]]
    decisions: DecisionStore
    portrait: Portrait
    sample: Mapping[str, int]
    sample_snapshot: Snapshot | None
    sample_companies: Sequence[Company]
    horizon_months: int | None
    drift: Drift | None

    @property
    def notes(self) -> tuple[Text, ...]:
        """What a reader of any page has to know."""
        if self.horizon_months is None and self.sample:
            return (STATIC.fill(n=len(self.sample)),)
        return ()

    @cached_property
    def by_id(self) -> dict[str, Company]:
        """Company by id."""
        return {company.id: company for company in self.companies}

    @cached_property
    def given(self) -> dict[str, dict[str, float | None]]:
        """Company -> indicator -> value."""
        return {row.pop("company_id"): row for row in self.snapshot.rows()}

    @cached_property
    def missing(self) -> dict[str, dict[str, Text]]:
        """Company -> indicator -> why it has no value."""
        found: dict[str, dict[str, Text]] = defaultdict(dict)
        for row in self.snapshot.missing.to_pylist():
            found[row["company_id"]][row["indicator"]] = views.missing_words(row["reason"], row["detail"])
        return found

    @cached_property
    def flags(self) -> dict[str, set[str]]:
        """Company -> indicators whose red flag it raises."""
        found: dict[str, set[str]] = defaultdict(set)
        for row in red_flags(self.snapshot).to_pylist():
            found[row["company_id"]].add(row["indicator"])
        return found

    @cached_property
    def months(self) -> dict[str, tuple[Month, ...]]:
        """Company -> its last months, those without invoices as zero."""
        rows: dict[str, dict[str, Month]] = defaultdict(dict)
        for row in self.series.to_pylist():
            label = row["month"].strftime("%Y-%m")
            rows[row["company_id"]][label] = Month(
                label, row["sales_cents"] / 100, row["purchases_cents"] / 100
            )
        labels = sorted({label for months in rows.values() for label in months})
        return {key: tuple(found.get(m) or Month(m, 0.0, 0.0) for m in labels) for key, found in rows.items()}

    def part(self, record: Mapping[str, Any]) -> Part:
        """The part of its arm's model that scored the company of a record."""
        given = record["score"]
        return self.models[self.arm(record)].part_named(given.get("segment"), given.get("overlay"))

    def bands(self, record: Mapping[str, Any]) -> tuple[Band, ...]:
        """Points of each grade by the calibration that scored the company of a record."""
        key = (self.arm(record), record["score"].get("segment"))
        if key not in self._bands:
            self._bands[key] = views.bands(self.models[key[0]], self.part(record))
        return self._bands[key]

    @cached_property
    def _bands(self) -> dict[tuple[str, str | None], tuple[Band, ...]]:
        return {}

    @staticmethod
    def arm(record: Mapping[str, Any]) -> str:
        """Whose decision a record holds."""
        return str(record.get("release", {}).get("arm", CHAMPION))

    @property
    def run_id(self) -> str:
        """Stands for the model, the policy and the date: equal for equal runs."""
        told = [self.model_id, self.policy.text, self.as_of.isoformat()]
        return digest(canonical_json(told))[:16]

    @property
    def trained_at(self) -> date:
        """The date of the snapshot the model learned from."""
        day = self.model.card.provenance.as_of
        return date.fromisoformat(day) if day else self.as_of

    @property
    def target(self) -> Text:
        """What the model predicts, in words."""
        if self.horizon_months is None:
            return Text(zh="是否违约（结果无日期）", en="defaulted or not (outcome without a date)")
        months = self.horizon_months
        return Text(zh=f"{months} 个月内违约", en=f"default within {months} months")

    @cached_property
    def sample_frame(self) -> pd.DataFrame | None:
        """The training sample's indicators and register facts at the model's own date."""
        if self.sample_snapshot is None:
            return None
        frame = with_facts(self.sample_snapshot.frame(), self.sample_companies)
        return frame.loc[list(self.sample)]

    @cached_property
    def observed_by_grade(self) -> dict[str, float]:
        """Grade -> share of bads among the companies the model learned from."""
        if self.sample_frame is None:
            return {}
        grades = self.model.score_frame(self.sample_frame)["grade"].to_pylist()
        found: dict[str, list[int]] = defaultdict(list)
        for grade, bad in zip(grades, self.sample.values(), strict=True):
            found[grade].append(bad)
        return {grade: float(np.mean(bads)) for grade, bads in found.items()}

    def peer_group(self, company_id: str) -> str | None:
        """The peer group of a company."""
        company = self.by_id.get(company_id)
        return company.peer_group if company else None

    def stored(self) -> Iterator[dict[str, Any]]:
        """Every decision record, by company."""
        with (self.decisions.root / "decisions.jsonl").open("rb") as lines:
            for line in lines:
                yield json.loads(line)
