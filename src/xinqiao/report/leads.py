"""The page of fraud leads: what each rule noticed, with the records and the subgraph behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from xinqiao.kernel.quantity import money, quantity
from xinqiao.kernel.text import Text
from xinqiao.relation.leads.find import Leads
from xinqiao.relation.leads.lead import Figure, Lead
from xinqiao.relation.leads.rule import Rule, rules
from xinqiao.relation.leads.score import TOGETHER, Found
from xinqiao.report.charts.graph import Arc, small_graph
from xinqiao.report.page import render

SHOWN = 5
"""Leads of a rule that are shown in full; all stand in the file beside the page."""
SEVERITIES = {
    "high": Text(zh="高", en="high"),
    "medium": Text(zh="中", en="medium"),
    "low": Text(zh="低", en="low"),
}
_RANK = {name: rank for rank, name in enumerate(SEVERITIES)}
FIGURES = {
    "share": (Text(zh="占比", en="share"), "ratio"),
    "circle_cny": (Text(zh="环上最小金额", en="least sum in the circle"), "CNY"),
    "circles": (Text(zh="环数", en="circles"), "count"),
    "firms": (Text(zh="涉及企业", en="firms"), "count"),
    "balance": (Text(zh="最小与最大金额之比", en="least to largest sum"), "ratio"),
    "ratio": (Text(zh="比值", en="ratio"), "index"),
    "partners": (Text(zh="对手数", en="partners"), "count"),
    "mutual_cny": (Text(zh="互开金额", en="sum invoiced both ways"), "CNY"),
    "in_row": (Text(zh="连续张数", en="in a row"), "count"),
    "invoices": (Text(zh="发票张数", en="invoices"), "count"),
    "industry_ratio": (Text(zh="同业比值", en="of the industry"), "index"),
    "applied_on": (Text(zh="申请日", en="applied on"), "date"),
    "month_cny": (Text(zh="最高单月", en="highest month"), "CNY"),
    "void_share": (Text(zh="作废率", en="void"), "ratio"),
    "red_after_loan": (Text(zh="贷后红冲", en="red letters after the loan"), "ratio"),
    "overlap": (Text(zh="品类重合", en="overlap of goods"), "ratio"),
    "purchases_to_sales": (Text(zh="进销比", en="purchases to sales"), "ratio"),
    "sales_cny": (Text(zh="12个月开票", en="invoiced in 12 months"), "CNY"),
    "owners": (Text(zh="不同控制人", en="controllers"), "count"),
    "staff_z": (Text(zh="人均偏离", en="per head, deviations"), "index"),
    "power_z": (Text(zh="度电偏离", en="per kWh, deviations"), "index"),
    "keys_shared": (Text(zh="共用要素", en="keys shared"), "count"),
    "kinds": (Text(zh="变更种类", en="kinds of change"), "count"),
    "first_change": (Text(zh="首次变更", en="first change"), "date"),
    "score": (Text(zh="得分", en="score"), "count"),
    "new_office": (Text(zh="6个月内新任", en="new in office"), "flag"),
    "first_office": (Text(zh="名下首家", en="first office"), "flag"),
    "not_insured_in_trade": (Text(zh="无本行业参保史", en="never insured in this trade"), "flag"),
    "no_credit_file": (Text(zh="征信白户", en="no credit file"), "flag"),
    "applied_lately": (Text(zh="90天内申请", en="applied within 90 days"), "flag"),
    "members": (Text(zh="担保环企业", en="firms in the circle"), "count"),
    "inside_cny": (Text(zh="环内开票", en="invoiced inside"), "CNY"),
    "loans": (Text(zh="放款笔数", en="loans"), "count"),
    "lost_loans": (Text(zh="失联笔数", en="lost"), "count"),
    "days_before": (Text(zh="距申请天数", en="days before applying"), "days"),
    "in_7_days": (Text(zh="7天内机构", en="institutions in 7 days"), "count"),
    "in_30_days": (Text(zh="30天内机构", en="institutions in 30 days"), "count"),
    "kind": (Text(zh="类别", en="kind"), "text"),
    "applications": (Text(zh="申请份数", en="applications"), "count"),
    "alike": (Text(zh="相同占比", en="alike"), "ratio"),
    "faults": (Text(zh="疑点数", en="faults"), "count"),
    "papers": (Text(zh="材料份数", en="papers"), "count"),
    "verification_failed": (Text(zh="查验失败", en="verification failed"), "flag"),
    "lines": (Text(zh="号码数", en="lines"), "count"),
    "inflow_cny": (Text(zh="流入", en="inflow"), "CNY"),
    "loops": (Text(zh="闭环数", en="loops"), "count"),
    "looped_cny": (Text(zh="闭环金额", en="money looped"), "CNY"),
    "round_share": (Text(zh="整数占比", en="whole sums"), "ratio"),
    "top3": (Text(zh="前三对手占比", en="top three payers"), "ratio"),
    "flows": (Text(zh="笔数", en="flows"), "count"),
    "invoiced": (Text(zh="开票占流入", en="invoices to inflow"), "ratio"),
    "astray_cny": (Text(zh="异常流向金额", en="gone astray"), "CNY"),
    "ppr": (Text(zh="邻近度", en="proximity"), "number"),
    "percentile": (Text(zh="分位", en="percentile"), "ratio"),
    "likeness": (Text(zh="相似度", en="likeness"), "ratio"),
}
"""The figures of the rules' queries: words and unit."""
GROUPS = {
    "invoice": Text(zh="发票", en="invoices"),
    "shell": Text(zh="空壳", en="shell firms"),
    "application": Text(zh="申请", en="applications"),
    "funds": Text(zh="资金", en="money"),
    "graph": Text(zh="图谱", en="graph"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A lead with the firm's name, its figures in words and its drawing."""

    lead: Lead
    name: str
    figures: tuple[tuple[Text, Text], ...]
    drawing: Markup | None


@dataclass(frozen=True, slots=True)
class Section:
    """A rule, how many leads it gave, the first of them; ``absent`` contracts kept it silent."""

    id: str
    rule: Rule
    leads: int
    shown: tuple[Shown, ...]
    absent: tuple[str, ...]
    judged: Found | None


def leads_page(
    leads: Leads, names: Mapping[str, str], *, generated: bool = False, judged: Sequence[Found] = ()
) -> str:
    """The page as HTML; ``judged`` compares with what was planted, where that is known."""
    by_rule: dict[str, list[Lead]] = {}
    for lead in leads.leads:
        by_rule.setdefault(lead.rule, []).append(lead)
    scores = {found.rule: found for found in judged}
    sections = tuple(
        Section(
            key,
            rules()[key],
            len(by_rule.get(key, ())),
            tuple(_shown(lead, names) for lead in sorted(by_rule.get(key, ()), key=_first)[:SHOWN]),
            leads.silent.get(key, ()),
            scores.get(key),
        )
        for key in leads.asked
    )
    title = Text(zh="欺诈待核线索", en="Fraud leads to verify")
    firms = len({lead.company_id for lead in leads.leads})
    return render(
        "leads.html",
        page=_Page(
            generated, leads.as_of.isoformat(), sections, len(leads.leads), firms, scores.get(TOGETHER)
        ),
        title=title,
        severities=SEVERITIES,
        groups=GROUPS,
    )


@dataclass(frozen=True, slots=True)
class _Page:
    generated: bool
    as_of: str
    sections: tuple[Section, ...]
    leads: int
    firms: int
    together: Found | None


def _first(lead: Lead) -> tuple[int, int, str]:
    """The gravest first, then those with most behind them."""
    return _RANK[lead.severity], -(lead.records_total + lead.edges_total), lead.company_id


def _shown(lead: Lead, names: Mapping[str, str]) -> Shown:
    arcs = [
        Arc(e.source, e.target, f"{e.kind} {money(e.cents / 100).zh if e.cents is not None else ''}".strip())
        for e in lead.edges
    ]
    title = Text(zh=f"{lead.company_id} 的关联子图", en=f"subgraph of {lead.company_id}")
    drawing = small_graph(arcs, lead.company_id, title) if arcs else None
    figures = tuple(_figure(name, value) for name, value in lead.figures.items())
    return Shown(lead, names.get(lead.company_id, lead.company_id), figures, drawing)


def _figure(name: str, value: Figure) -> tuple[Text, Text]:
    words, unit = FIGURES[name]
    if isinstance(value, str | date):
        return words, Text(zh=str(value), en=str(value))
    return words, Text(zh=f"{value:.2g}", en=f"{value:.2g}") if unit == "number" else quantity(value, unit)
