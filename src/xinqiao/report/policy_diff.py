"""The page of a policy comparison: what a credit officer reads before a new version is released."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from xinqiao.kernel.quantity import fixed, money, percent, rate, signed, wan
from xinqiao.kernel.text import Text
from xinqiao.policy.batch import OUTCOMES
from xinqiao.policy.compiled import Policy
from xinqiao.policy.diff import Diff, Effect, Figures, Group, Shift
from xinqiao.policy.edits import KINDS, Edit
from xinqiao.policy.wording import WORDS
from xinqiao.report.charts.bars import level
from xinqiao.report.charts.flow import flows
from xinqiao.report.page import OUTCOMES as OUTCOME_NAMES
from xinqiao.report.page import bilingual, render
from xinqiao.report.view import Link

MOST_CAUSES = 20
MOST_GROUPS = 25
MOST_LISTED = 200
MOST_LINES = 80
_COLOURS = {"approve": "c4", "refer": "c5", "reject": "c2"}
_MARKS = {"added": Text(zh="新增", en="added"), "removed": Text(zh="删去", en="removed")}
_CHANGED = Text(zh="修改", en="changed")
_UNKNOWN = Text(zh="（未给出）", en="(not given)")
_NO_PD = Text(zh="无法计算（缺违约概率）", en="not computable: no PD")


@dataclass(frozen=True, slots=True)
class DiffPage:
    """The page around a comparison. ``href`` gives a company's own page, or None where there is none."""

    dataset: Text
    generated: bool
    names: tuple[Text, Text]
    links: tuple[Link, ...]
    href: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure under both policies and its change; each is ready to be shown."""

    name: Text
    before: Markup
    after: Markup
    change: Markup


@dataclass(frozen=True, slots=True)
class Listed:
    """A company whose decision changed."""

    id: str
    href: str | None
    grade: str
    pd: float | None
    before: str
    after: str
    limits: tuple[float | None, float | None]
    rates: tuple[float | None, float | None]
    lost: tuple[str, ...]
    gained: tuple[str, ...]


def render_policy_diff(diff: Diff, effects: Sequence[tuple[Edit, Effect | None]], page: DiffPage) -> str:
    """The comparison as one page of HTML."""
    before, after = diff.figures
    causes = diff.causes()
    return render(
        "policy_diff.html",
        page=page,
        title=Text(zh="政策比对", en="policy comparison"),
        lgd=percent(diff.lgd, 0),
        before=before,
        after=after,
        moved=int(diff.moved.sum()),
        changed=int(diff.changed.sum()),
        rows=list(figure_rows(before, after)),
        flow=flow_chart(diff),
        transitions=diff.transitions.tolist(),
        order=OUTCOMES,
        causes=causes[:MOST_CAUSES],
        more_causes=len(causes) - MOST_CAUSES,
        codes={**code_names(diff.a), **code_names(diff.b)},
        effects=[(edit, effect, _edit_words(edit), _effect_rows(effect)) for edit, effect in effects],
        kinds=KINDS,
        groups=list(_groups(diff)),
        shifts=_shifts(diff),
        both=int(diff.lent_by_both.sum()),
        listed=list(_listed(diff, page.href)),
        most_lines=MOST_LINES,
        wan=wan,
        yearly=rate,
        change=lambda cny: _signed_money(0.0, cny),
    )


# figures ------------------------------------------------------------------------------------------


def figure_rows(a: Figures, b: Figures) -> Iterator[Row]:
    """What both policies grant, figure by figure."""
    yield _counted(Text(zh="批准", en="Approved"), a.approved, b.approved)
    yield _counted(Text(zh="人工复核", en="Manual review"), a.referred, b.referred)
    yield _counted(Text(zh="拒绝", en="Declined"), a.rejected, b.rejected)
    points = Text(zh=f"{signed((b.approval_rate - a.approval_rate) * 100, 2)} 个百分点", en="points")
    yield Row(
        Text(zh="批准率", en="Approval rate"),
        Markup(percent(a.approval_rate, 2)),  # noqa: S704 - digits only
        Markup(percent(b.approval_rate, 2)),  # noqa: S704 - digits only
        bilingual(points),
    )
    yield _amount(Text(zh="批准额度合计", en="Amount approved"), a.amount_cny, b.amount_cny)
    means = [f.amount_cny / f.approved if f.approved else None for f in (a, b)]
    yield _amount(Text(zh="户均额度", en="Mean limit"), *means)
    yield _rate(Text(zh="平均年利率（按额度加权）", en="Mean rate, by limit"), a.mean_rate, b.mean_rate)
    yield _amount(Text(zh="预期损失", en="Expected loss"), a.expected_loss_cny, b.expected_loss_cny)
    shares = a.expected_loss_share, b.expected_loss_share
    yield _rate(Text(zh="预期损失率（占批准额度）", en="Expected loss, share of amount"), *shares)


def _counted(name: Text, a: int, b: int) -> Row:
    return Row(name, *(Markup(text) for text in (fixed(a), fixed(b), signed(b - a))))  # noqa: S704 - digits only


def _amount(name: Text, a: float | None, b: float | None) -> Row:
    before, after = (bilingual(_NO_PD if value is None else money(value)) for value in (a, b))
    return Row(name, before, after, bilingual(_signed_money(a, b)))


def _signed_money(a: float | None, b: float | None) -> Text:
    if a is None or b is None:
        return Text(zh="—", en="—")
    if a == b:
        return Text(zh="0", en="0")
    sign, size = ("+" if b > a else "−"), money(abs(b - a))
    part = f"（{signed((b / a - 1) * 100, 1)}%）" if a else ""
    return Text(zh=f"{sign}{size.zh}{part}", en=f"{sign}{size.en}")


def _rate(name: Text, a: float | None, b: float | None) -> Row:
    before, after = (Markup("—" if value is None else rate(value)) for value in (a, b))  # noqa: S704 - digits only
    basis = "—" if a is None or b is None else signed((b - a) * 10_000, 1)
    text = Text(zh=f"{basis} 个基点", en="basis points") if basis != "—" else Text(zh="—", en="—")
    return Row(name, before, after, bilingual(text))


# charts -------------------------------------------------------------------------------------------


def flow_chart(diff: Diff) -> Markup:
    """Every company from the old outcome to the new one."""
    title = Text(zh="每户企业从旧结论到新结论", en="every company, from the old outcome to the new")
    names = [OUTCOME_NAMES[outcome] for outcome in OUTCOMES]
    return flows(title, names, [_COLOURS[outcome] for outcome in OUTCOMES], diff.transitions.tolist())


def _shifts(diff: Diff) -> list[tuple[Text, list[tuple[Text, Markup, int]]]]:
    """For limit and rate: every step of change with its bar and its companies."""
    reach = int(diff.lent_by_both.sum())
    parts = (
        (Text(zh="额度变化（占原额度）", en="limit, share of the old one"), diff.limit_shifts(), 100, "%"),
        (Text(zh="年利率变化（基点）", en="annual rate, basis points"), diff.rate_shifts(), 10_000, ""),
    )
    return [
        (
            name,
            [
                (_span(s, scale, unit), level(s.companies, reach, fixed(s.companies)), s.companies)
                for s in steps
            ],
        )
        for name, steps, scale, unit in parts
    ]


def _span(shift: Shift, scale: int, unit: str) -> Text:
    """A step in words: down 20–50%, unchanged, up more than 50%."""
    if shift.low == shift.high:
        return Text(zh="不变", en="unchanged")
    down = shift.high <= 0
    near, far = sorted((abs(shift.low), abs(shift.high)))
    ends = f"{fixed(near * scale)}{unit}", "" if np.isinf(far) else f"{fixed(far * scale)}{unit}"
    zh, en = f"{ends[0]}–{ends[1]}", f"{ends[0]}–{ends[1]}"
    if not ends[1]:
        zh, en = f"{ends[0]} 以上", f"more than {ends[0]}"
    return Text(zh=f"{'下降' if down else '上升'} {zh}", en=f"{'down' if down else 'up'} {en}")


# groups, edits and companies ------------------------------------------------------------------------


def _groups(diff: Diff) -> Iterator[tuple[Text, list[tuple[Markup, Group]], int]]:
    grades = [*dict.fromkeys([*diff.b.file.grades, *diff.a.file.grades])]
    labels = {item.source: item.name for policy in (diff.a, diff.b) for item in policy.file.inputs.values()}
    count = {"0": Text(zh="无缺失", en="none missing"), "3+": Text(zh="缺 3 项以上", en="3 or more missing")}
    count |= {n: Text(zh=f"缺 {n} 项", en=f"{n} missing") for n in ("1", "2")}
    parts: tuple[tuple[Text, list[Group], dict[str, Text]], ...] = (
        (Text(zh="按评级", en="By grade"), diff.groups("grade", grades), {}),
        (Text(zh="按行业组", en="By peer group"), diff.groups("peer_group"), {}),
        (Text(zh="按数据缺失", en="By missing data"), diff.by_missing(), count),
        (Text(zh="按缺失的数据项", en="By what is missing"), diff.by_absent(), labels),
    )
    for name, groups, known in parts:
        if groups:
            shown = [(_group_name(g.name, known), g) for g in groups[:MOST_GROUPS]]
            yield name, shown, max(0, len(groups) - MOST_GROUPS)


def _group_name(name: str, known: dict[str, Text]) -> Markup:
    text = known.get(name) if name else _UNKNOWN
    return Markup('<span class="data">{}</span>').format(name) if text is None else bilingual(text)


def _edit_words(edit: Edit) -> Text:
    return _MARKS.get(edit.kind, _CHANGED)


def _effect_rows(effect: Effect | None) -> list[Row]:
    """What an edit does by itself, as far as it does anything."""
    return (
        []
        if effect is None
        else [row for row in figure_rows(effect.before, effect.after) if row.before != row.after]
    )


def _listed(diff: Diff, href: Callable[[str], str | None]) -> Iterator[Listed]:
    """The companies that moved: the largest change of limit first, then by row; other changes after them."""
    old, new = (np.nan_to_num(side.limit) for side in (diff.before, diff.after))
    rows = np.flatnonzero(diff.changed)
    order = np.lexsort((rows, -np.abs(new - old)[rows], ~diff.moved[rows]))
    for i in rows[order][:MOST_LISTED].tolist():
        yield _company(diff, i, href)


def _company(diff: Diff, i: int, href: Callable[[str], str | None]) -> Listed:
    table = diff.table
    grade = table["grade"][i].as_py() if "grade" in table.column_names else None
    sides = diff.before, diff.after
    was, now = (side.words[side.reason[i]] for side in sides)
    return Listed(
        id=diff.ids[i],
        href=href(diff.ids[i]),
        grade=str(grade or ""),
        pd=None if np.isnan(diff.pd[i]) else float(diff.pd[i]),
        before=OUTCOMES[diff.before.outcome[i]],
        after=OUTCOMES[diff.after.outcome[i]],
        limits=tuple(_known(side.limit[i]) for side in sides),  # type: ignore[arg-type] # two sides
        rates=tuple(_known(side.rate[i]) for side in sides),  # type: ignore[arg-type] # two sides
        lost=tuple(code for code in was if code not in now),
        gained=tuple(code for code in now if code not in was),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def code_names(policy: Policy) -> dict[str, Text]:
    """Reason code -> what it means, in a few words."""
    file, names = policy.file, {}
    for item in file.inputs.values():
        code = f"MISSING_{item.source.split('.', 1)[1].upper()}"
        names[code] = Text(zh=f"缺少{item.name.zh}", en=f"{item.name.en} is missing")
    parts = [(rule.id, rule.name) for rule in file.rules]
    for key, name in [*parts, ("limit", WORDS["limit"]), ("price", WORDS["price"])]:
        said = WORDS["not_evaluated"]
        names[f"UNKNOWN_{key.upper()}"] = Text(
            zh=said.zh.format(name=name.zh), en=said.en.format(name=name.en)
        )
    return names | {rule.code: rule.name for rule in file.rules} | _ENDS


_ENDS = {
    "LIMIT_BELOW_MIN": Text(zh="额度低于起点", en="limit below the least"),
    "PRICE_ABOVE_MAX": Text(zh="定价高于上限", en="price above the cap"),
    "TABLE_MISSING": Text(zh="决策表因数据缺失无法判断", en="a table hangs on missing data"),
    "TABLE_NO_ROW": Text(zh="决策表没有适用的行", en="no row of a table applies"),
    "TABLE_SEVERAL_ROWS": Text(zh="决策表有多行同时适用", en="several rows of a table apply"),
}
