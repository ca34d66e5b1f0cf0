"""View-models of the run summary and the model card."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from xinqiao import __version__
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.text import Text
from xinqiao.report import model_card as card_page
from xinqiao.report.company import Outcome
from xinqiao.report.model_card import ModelCard
from xinqiao.report.page import company_file
from xinqiao.report.summary import (
    CompanyRow,
    Coverage,
    GradeRow,
    IngestRow,
    OutcomeRow,
    RunSummary,
    Trap,
)
from xinqiao.report.view import Link
from xinqiao.run import views
from xinqiao.run.drift import segment_rows, variables_of
from xinqiao.run.fairness import fairness_of
from xinqiao.run.learn import outcome_fields
from xinqiao.run.material import Material
from xinqiao.run.trial import trial
from xinqiao.source.contract import contract, contracts
from xinqiao.source.ingest import IngestReport
from xinqiao.source.lake import Count

ORDER: tuple[Outcome, ...] = ("approve", "refer", "reject")
HOME = "index.html"
CARD = "model_card.html"
DRIFT_PAGE = "drift.html"


def run_summary(material: Material, report: IngestReport) -> RunSummary:
    """The view-model of the summary."""
    rows = pq.read_table(material.decisions.root / "results.parquet").to_pylist()
    points, bad = _seen(material)
    file = material.policy.file
    return RunSummary(
        dataset=material.dataset,
        generated=material.generated,
        as_of=material.as_of,
        run_id=material.run_id,
        version=__version__,
        policy=Text(zh=f"{file.name.zh} {file.version}", en=f"{file.name.en} {file.version}"),
        model_id=material.model_id,
        ingest=tuple(_ingest_rows(report)),
        traps=tuple(_traps(report)),
        coverage=tuple(_coverage(material)),
        performance=views.performance(material.validation),
        roc=views.roc_curves(material.validation),
        calibration=views.calibration_of(material.model.validation),
        score_bins=views.score_bins(points, bad),
        outcomes=tuple(_outcomes(rows)),
        grades=tuple(_grades(material, rows)),
        companies=tuple(_company(row) for row in sorted(rows, key=_as_counted)),
        links=tuple(_links(material, report)),
        notes=material.notes,
        home=HOME,
        trial=trial(material, rows),
    )


def _seen(material: Material) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points and outcomes of the companies the model learned from, at the model's own date."""
    frame = material.sample_frame
    if frame is None:
        return np.array([]), np.array([])
    return material.model.score_frame(frame)["points"].to_numpy(), np.array(list(material.sample.values()))


def _ingest_rows(report: IngestReport) -> Iterator[IngestRow]:
    for file in report.files:
        m = file.manifest
        yield IngestRow(
            label=f"{m.label}（{m.file}）",
            contract=contract(m.contract).name,
            read=m.read,
            kept=m.kept,
            repaired=m.repaired,
            flagged=m.flagged,
            quarantined=m.quarantined,
        )


def _traps(report: IngestReport) -> Iterator[Trap]:
    for file in report.files:
        m = file.manifest
        names = {name: field.name for name, field in contract(m.contract).fields.items()}
        yield from (Trap(m.label, c.rule, _words(c, names), "repair", c.rows) for c in m.repairs)
        yield from (Trap(m.label, c.rule, _words(c, names), "flag", c.rows) for c in m.flags)
        yield from (Trap(m.label, c.rule, _words(c, names), "quarantine", c.rows) for c in m.faults)
        yield from (Trap(m.label, c.rule, _words(c, names), "observe", c.rows) for c in m.observations)


def _words(count: Count, names: Mapping[str, Text]) -> Text:
    field = names.get(count.field)
    if field is None:
        return count.name
    return Text(zh=f"{field.zh}：{count.name.zh}", en=f"{field.en}: {count.name.en}")


def _coverage(material: Material) -> Iterator[Coverage]:
    nulls = views.reasons_for_nulls(material.snapshot.missing.to_pylist())
    total = len(material.snapshot)
    for indicator in indicators().values():
        counts = nulls.get(indicator.id)
        why = [(views.missing_words(*key), n) for key, n in counts.most_common()] if counts else []
        known = total - (sum(counts.values()) if counts else 0)
        yield Coverage(indicator.id, indicator.name, known, total, tuple(why))


def _outcomes(rows: list[dict[str, Any]]) -> Iterator[OutcomeRow]:
    for outcome in ORDER:
        mine = [row for row in rows if row["outcome"] == outcome]
        yield OutcomeRow(
            outcome, len(mine), sum((row["limit_cny"] or Decimal(0) for row in mine), Decimal(0))
        )


def _grades(material: Material, rows: list[dict[str, Any]]) -> Iterator[GradeRow]:
    by_grade: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_grade[row["grade"]].append(row)
    observed = material.observed_by_grade
    scale = material.model.scale
    for grade in [*(g.id for g in scale.grades), scale.default.id]:
        mine = by_grade[grade]
        lent = [row for row in mine if row["outcome"] == "approve"]
        limit = sum((row["limit_cny"] for row in lent), Decimal(0))
        yield GradeRow(
            grade=grade,
            name=scale.describe(grade).name,
            companies=len(mine),
            mean_pd=float(np.mean([row["pd"] for row in mine])) if mine else None,
            observed=observed.get(grade),
            approved=len(lent),
            limit_cny=limit,
            mean_limit_cny=limit / len(lent) if lent else None,
            mean_rate=float(np.mean([float(row["rate"]) for row in lent])) if lent else None,
        )


def _as_counted(row: dict[str, Any]) -> list[tuple[int, int | str]]:
    """Sorts E2 before E10."""
    parts = re.split(r"([0-9]+)", row["company_id"])
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _company(row: dict[str, Any]) -> CompanyRow:
    return CompanyRow(
        id=row["company_id"],
        name=row["name"],
        points=row["points"],
        grade=row["grade"],
        pd=row["pd"],
        outcome=row["outcome"],
        limit_cny=row["limit_cny"],
        rate=row["rate"],
        href=f"companies/{company_file(row['company_id'])}",
    )


def _links(material: Material, report: IngestReport) -> Iterator[Link]:
    records = Text(zh="决策存档（可重放）", en="decision records (replayable)")
    yield Link(CARD, Text(zh="模型卡", en="model card"))
    if material.drift is not None:
        yield Link(DRIFT_PAGE, Text(zh="稳定性与漂移", en="stability and drift"))
    yield Link("../decisions/results.csv", Text(zh="结果 CSV", en="results as CSV"))
    yield Link("../decisions/results.parquet", Text(zh="结果 Parquet", en="results as Parquet"))
    yield Link(f"../indicators/{material.as_of}/values.parquet", Text(zh="指标 Parquet", en="indicators"))
    yield Link("../decisions/decisions.jsonl", records)
    yield Link("../model/model.json", Text(zh="模型 JSON", en="model as JSON"))
    if report.quarantined:  # without a quarantined row there is no such folder
        yield Link("../lake/quarantine", Text(zh="隔离的行", en="quarantined rows"))


def model_card(material: Material) -> ModelCard:
    """The view-model of the model card."""
    model = material.model
    points, bad = _seen(material)
    provenance = model.card.provenance
    return ModelCard(
        dataset=material.dataset,
        generated=material.generated,
        as_of=material.trained_at,
        model_id=material.model_id,
        name=Text(zh="小微企业评分卡", en="Small-firm scorecard"),
        data=Text(
            zh=f"截至 {material.trained_at} 的发票与登记指标，{provenance.rows} 户、{provenance.bads} 户违约",
            en=f"invoice and register indicators as of {material.trained_at}, "
            f"{provenance.rows} firms, {provenance.bads} defaulted",
        ),
        target=material.target,
        method=Text(
            zh="单调 WOE 分箱（方向由指标定义给出）、非负系数逻辑回归、按折外分数校准违约概率",
            en="monotone WOE bins, direction from the definition; logistic regression, coefficients >= 0; "
            "PD calibrated on out-of-fold scores",
        ),
        samples=(
            card_page.Sample(Text(zh="训练样本", en="training sample"), provenance.rows, provenance.bads),
        ),
        scale=card_page.CardScale(
            model.card.scale.points, model.card.scale.odds, model.card.scale.pdo, model.card.base_points
        ),
        variables=tuple(variables_of(model.card)),
        performance=views.performance(material.validation),
        roc=views.roc_curves(material.validation),
        ks=views.ks_points(points, bad),
        calibration=views.calibration_of(model.validation),
        score_bins=views.score_bins(points, bad),
        stability=tuple(_stability(material)),
        dropped=tuple(
            card_page.Excluded(d.name, views.name_of(d.name), d.reason) for d in provenance.dropped
        ),
        refused=tuple(_refused()),
        fairness=fairness_of(material),
        segments=tuple(segment_rows(model)),
        drift=DRIFT_PAGE if material.drift is not None else None,
        home=HOME,
    )


def _stability(material: Material) -> Iterator[card_page.Stability]:
    for result in material.validation:
        if "stability_index" in result:
            name = Text(
                zh=f"评分：{result['trained_at']} → {result['as_of']}",
                en=f"score: {result['trained_at']} to {result['as_of']}",
            )
            yield card_page.Stability(name, result["stability_index"])


def _refused() -> Iterator[card_page.Excluded]:
    why = Text(zh="由违约结果得出，训练器拒绝使用", en="derived from the outcome; the trainer refuses it")
    for path in sorted(outcome_fields()):
        source, name = path.split(".")
        yield card_page.Excluded(path, contracts()[source].fields[name].name, why)
