"""The stage ``report`` of a run: the summary, the model card and a page for every company."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.model import Indicator
from xinqiao.kernel.text import Text
from xinqiao.policy.release import CHAMPION
from xinqiao.policy.scorer import DIRECTIONS
from xinqiao.report.company import (
    CompanyPage,
    Contribution,
    DataSource,
    Decision,
    IndicatorRow,
    Reason,
    Score,
    TraceStep,
    render_company,
)
from xinqiao.report.drift import render_drift
from xinqiao.report.model_card import render_model_card
from xinqiao.report.page import company_file, write_page
from xinqiao.report.portrait import portrait_view
from xinqiao.report.summary import render_lists, render_summary
from xinqiao.run import views
from xinqiao.run.companies import Records
from xinqiao.run.drift import drift_page
from xinqiao.run.material import Material
from xinqiao.run.overview import CARD, DRIFT_PAGE, HOME, model_card, run_summary
from xinqiao.source.contract import contracts
from xinqiao.source.ingest import IngestReport

EVERYONE = Text(zh="本次评估的全部企业", en="all companies of this run")


def write_pages(folder: Path, material: Material, report: IngestReport, tick: Callable[[], None]) -> None:
    """Write the summary, its lists, the model card and ``companies/<id>.html`` for every decision."""
    view = run_summary(material, report)
    write_page(folder / HOME, render_summary(view))
    for name, html in render_lists(view):
        write_page(folder / name, html)
    write_page(folder / CARD, render_model_card(model_card(material)))
    if material.drift is not None:
        write_page(folder / DRIFT_PAGE, render_drift(drift_page(material, material.drift, HOME, CARD)))
    for record in material.stored():
        html = render_company(company_page(material, record))
        write_page(folder / "companies" / company_file(record["company_id"]), html)
        tick()


def company_page(material: Material, record: Mapping[str, Any]) -> CompanyPage:
    """The view-model of one company's page, from its decision record."""
    key = record["company_id"]
    company = material.by_id.get(key)
    group = material.peer_group(key)
    return CompanyPage(
        dataset=material.dataset,
        generated=material.generated,
        as_of=material.as_of,
        company_id=key,
        company_name=company.name if company else key,
        peer_group=Text(zh=f"同行业 {group}", en=f"same industry, {group}") if group else EVERYONE,
        decision=_decision(material, record),
        score=_score(material, record),
        contributions=tuple(_contributions(material, record, group)),
        months=material.months.get(key, ()),
        indicators=tuple(_indicator(material, record, key, i) for i in indicators().values()),
        sources=tuple(_sources(material, key)),
        portrait=portrait_view(material.portrait, key, material.months.get(key, ())),
        home=f"../{HOME}",
        card=f"../{CARD}",
        notes=(*material.notes, *_trial(material, record), *_routed(material, record), *_notes(record)),
    )


def _decision(material: Material, record: Mapping[str, Any]) -> Decision:
    made = record["decision"]
    return Decision(
        id=record["decision_id"],
        outcome=made["outcome"],
        limit_cny=views.decimal(made["limit_cny"]),
        rate=views.decimal(made["rate"]),
        term_months=made["term_months"],
        reasons=tuple(
            Reason(r["code"], Text(zh=r["text"]["zh"], en=r["text"]["en"])) for r in made["reasons"]
        ),
        trace=tuple(_step(step) for step in made["trace"]),
        policy_name=material.policies[material.arm(record)].file.name,
        policy_version=record["policy"]["version"],
        model_id=record["model"]["id"],
        replay=f"xinqiao replay {record['decision_id']}",
    )


def _step(step: Mapping[str, Any]) -> TraceStep:
    detail = f" ({step['detail']})" if step["detail"] else ""
    return TraceStep(
        kind=step["kind"],
        id=step["id"],
        name=Text(zh=step["name"]["zh"], en=step["name"]["en"]),
        inputs=tuple((name, views.plain(value)) for name, value in step["inputs"].items()),
        result=_result(step) + detail,
        effect=step["effect"],
    )


def _result(step: Mapping[str, Any]) -> str:
    """The result of a step; a rule is triggered or not, so that "no" is not read as failed."""
    if step["kind"] == "rule" and step["result"] is not None:
        return "触发 triggered" if step["result"] else "未触发 not triggered"
    return views.plain(step["result"])


def _score(material: Material, record: Mapping[str, Any]) -> Score:
    given = record["score"]
    return Score(
        points=given["points"],
        grade=given["grade"],
        grade_name=material.models[material.arm(record)].scale.describe(given["grade"]).name,
        pd=given["pd"],
        bands=material.bands(record),
        horizon_months=material.horizon_months,
    )


def _contributions(
    material: Material, record: Mapping[str, Any], group: str | None
) -> Iterator[Contribution]:
    model, told = material.models[material.arm(record)], record["application"]
    row = {name: entry.get("value") for name, entry in record["indicators"].items()}
    row |= {name: told.get(name) for name in model.facts}
    bins = {c["variable"]: c["bin"]["zh"] for c in record["score"]["contributions"]}
    for direction in DIRECTIONS:
        found = model.reasons(row, indicators(), group=group, limit=len(bins), direction=direction)
        for reason in found:
            yield Contribution(
                indicator=reason.indicator,
                name=views.name_of(reason.indicator),
                value=_number(reason.value),
                unit=views.unit_of(reason.indicator),
                missing=material.missing[record["company_id"]].get(reason.indicator),
                bin_label=bins[reason.indicator],
                points=reason.points,
                peer_median=_number(reason.peer_median),
                sentence=reason.sentence,
            )


def _indicator(material: Material, record: Mapping[str, Any], key: str, indicator: Indicator) -> IndicatorRow:
    model, part = material.models[material.arm(record)], material.part(record)
    value = material.given[key].get(indicator.id)
    flag = indicator.red_flag
    return IndicatorRow(
        id=indicator.id,
        name=indicator.name,
        value=value,
        unit=indicator.unit.id,
        missing=material.missing[key].get(indicator.id) if value is None else None,
        peer_median=_number(model.peers.of(material.peer_group(key)).get(indicator.id)),
        direction=indicator.direction,
        red_flag=flag.text if flag else None,
        flagged=indicator.id in material.flags[key],
        scored=indicator.id in part.card.names,
    )


def _trial(material: Material, record: Mapping[str, Any]) -> Iterator[Text]:
    """That a challenger of a release has decided."""
    arm, release = material.arm(record), material.release
    if release is not None and arm != CHAMPION:
        name, trial = release.name_of(arm), release.file.name
        yield Text(
            zh=f"本户在灰度发布“{trial.zh}”中抽中，按方案“{name.zh}”作出决策",
            en=f"drawn in the release {trial.en}: decided by its arm {name.en}",
        )


def _routed(material: Material, record: Mapping[str, Any]) -> Iterator[Text]:
    """Which segment and industry overlay scored the company, where the model has them."""
    segment, overlay = record["score"].get("segment"), record["score"].get("overlay")
    if segment is None:
        return
    name = material.models[material.arm(record)].route(segment).name
    if overlay is None:
        yield Text(zh=f"评分模型：{name.zh}", en=f"scored as: {name.en}")
    else:
        yield Text(
            zh=f"评分模型：{name.zh}，叠加行业 {overlay} 的分值",
            en=f"scored as: {name.en}, points of industry {overlay}",
        )


def _notes(record: Mapping[str, Any]) -> Iterator[Text]:
    """What the policy could not look at and was told to leave aside."""
    for note in record["decision"]["notes"]:
        yield Text(zh=note["text"]["zh"], en=note["text"]["en"])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _sources(material: Material, key: str) -> Iterator[DataSource]:
    for contract in contracts().values():
        if any(field.outcome for field in contract.fields.values()):
            continue  # outcomes train and test the model; no value about this company comes from them
        found = material.records.get(contract.id)
        if found is None:
            yield DataSource(contract.name, contract.holder, None, None, None)
        else:
            mine = found.get(key, Records(0, None, None))
            yield DataSource(contract.name, contract.holder, mine.rows, mine.first, mine.last)
