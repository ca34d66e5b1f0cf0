"""The steps of the product wizard: which parts of a product are asked on which page, in which words."""
# ruff: noqa: E501 - a field stands on a line with its words in both languages

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from xinqiao.kernel.document import Path
from xinqiao.kernel.text import Text
from xinqiao.lending.component import library
from xinqiao.lending.product_findings import Fault
from xinqiao.lending.product_format import DayCount, ProductFile
from xinqiao.portal.loan_words import CLASSES, DRAWDOWNS, REPAYMENTS
from xinqiao.portal.product_fields import Field, Kind, Options
from xinqiao.portrait.credit_file import LEADS, SCORE
from xinqiao.scoring.rating import master_scale
from xinqiao.source.holder import sources


@dataclass(frozen=True, slots=True)
class Step:
    """A page of the wizard. ``parts``: the entries of the product it is about."""

    id: str
    name: Text
    parts: frozenset[str]
    fields: tuple[Field, ...] = ()
    about: Text | None = None


def _t(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


def _f(path: str, kind: Kind, zh: str, en: str, **more: Any) -> Field:  # noqa: ANN401 - the field's own
    place = tuple(path.split("/"))
    return Field(place, kind, _t(zh, en), default=_default(place), **more)


def _default(path: Path) -> Any:  # noqa: ANN401 - plain data of YAML
    """What an entry left out means, as plain data."""
    model: Any = ProductFile
    info: FieldInfo | None = None
    for step in path:
        info = next((f for n, f in model.model_fields.items() if (f.alias or n) == step), None)
        if info is None:
            return None
        kinds = [info.annotation, *get_args(info.annotation)]
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), ProductFile)
    default = None if info is None or info.is_required() else info.get_default(call_default_factory=True)
    return list(default) if isinstance(default, tuple) else default


def _of(options: dict[str, Text]) -> Options:
    return tuple(options.items())


def _missing() -> Options:
    return (("refer", _t("转人工", "a person looks")), ("reject", _t("拒绝", "refuse")))


LENDERS = {
    "bank": _t("银行", "bank"),
    "micro_lender": _t("小额贷款公司", "micro lender"),
    "guarantee_company": _t("融资担保公司", "guarantee company"),
    "pawnshop": _t("典当行", "pawnshop"),
    "finance_lease": _t("融资租赁公司", "finance lease company"),
    "factoring": _t("商业保理公司", "factoring company"),
    "local_asset_manager": _t("地方资产管理公司", "local asset manager"),
    "regional_equity_market": _t("区域性股权市场", "regional equity market"),
    "private": _t("民间借贷（受四倍 LPR 上限约束）", "private lender (four times LPR at most)"),
}
PLEDGES = {
    "home": _t("住宅", "home"),
    "premises": _t("商铺厂房", "premises"),
    "land": _t("土地", "land"),
    "equipment": _t("设备", "equipment"),
    "inventory": _t("存货", "inventory"),
    "receivable": _t("应收账款", "receivables"),
    "patent": _t("专利", "patents"),
    "warehouse_receipt": _t("仓单", "warehouse receipts"),
    "deposit": _t("存单", "deposits"),
    "vehicle": _t("车辆", "vehicles"),
    "livestock": _t("活体畜禽", "livestock"),
}
GUARANTORS = {
    "guarantee_company": _t("融资担保公司", "guarantee company"),
    "owner": _t("企业主", "owner"),
    "core_firm": _t("核心企业", "core firm"),
    "insurer": _t("保险公司", "insurer"),
    "government_fund": _t("政府性担保基金", "government fund"),
}
TRADES = {
    "receivable": _t("应收账款", "receivables"),
    "order": _t("订单", "orders"),
    "award": _t("中标", "awards"),
    "purchase": _t("向核心企业采购", "purchases from the core firm"),
}
NONE = ("", _t("无", "none"))
ORDERS = tuple(
    (" ".join(names), _t("→".join(zh[n] for n in names), " → ".join(names)))
    for zh in ({"penalty": "罚息", "interest": "利息", "fee": "费用", "principal": "本金"},)
    for names in (
        ("penalty", "interest", "fee", "principal"),
        ("fee", "penalty", "interest", "principal"),
        ("interest", "penalty", "fee", "principal"),
        ("fee", "interest", "principal", "penalty"),
        ("principal", "interest", "penalty", "fee"),
    )
)


def _grades() -> Options:
    return tuple((grade.id, grade.name) for grade in master_scale().grades)


def _sets() -> Options:
    scores = {SCORE: _t("平台评分", "the platform's score"), LEADS: _t("反欺诈线索", "leads of fraud")}
    return (*((code, each.name) for code, each in sources().items()), *scores.items())


def _purposes() -> Options:
    return _of(dict(library().purposes))


def _documents() -> Options:
    return _of(dict(library().documents))


def _flow_steps() -> Options:
    return _of(dict(library().steps))


_MONTHS: Options = tuple((str(m), _t(f"{m} 月", f"month {m}")) for m in range(1, 13))
_ROLES: Options = (
    ("officer", _t("客户经理", "officer")),
    ("approver", _t("审批人", "approver")),
    ("committee", _t("审批委员会", "committee")),
)
_FEE_COLUMNS = (
    Field(("id",), "text", _t("编号", "Id")),
    Field(("name",), "words", _t("名称", "Name"), required=True),
    Field(
        ("kind",),
        "choice",
        _t("收取方式", "Charged"),
        options=(
            ("upfront", _t("放款时按金额比例", "at the drawing, share of the sum")),
            ("monthly", _t("每月按初始本金比例", "monthly, share of the original sum")),
            ("yearly", _t("每年按初始本金比例", "yearly, share of the original sum")),
            ("fixed", _t("一次性固定金额", "a fixed sum once")),
        ),
    ),
    Field(("rate",), "percent", _t("比例（%）", "Share, %")),
    Field(("cny",), "number", _t("金额（元）", "Sum, CNY")),
    Field(
        ("to",),
        "choice",
        _t("收取人", "Paid to"),
        options=(
            ("lender", _t("贷款机构", "lender")),
            ("guarantor", _t("担保人", "guarantor")),
            ("third_party", _t("第三方", "third party")),
        ),
        default="lender",
    ),
)

# fmt: off
_BASICS = (
    _f("id", "text", "产品编号", "Product id", hint=_t("小写字母、数字和下划线，如 tax_quick", "small letters, digits and _, like tax_quick"), required=True),
    _f("version", "text", "版本号", "Version", required=True),
    _f("effective/from", "date", "开始日期", "In force from", required=True),
    _f("effective/to", "date", "结束日期（可空）", "Until, may stay blank"),
    _f("class", "choice", "类别", "Class", options=_of(CLASSES), required=True),
    _f("pattern", "text", "模式", "Pattern", hint=_t("同类产品归组用，如 tax、invoice", "groups like products: tax, invoice"), required=True),
    _f("lender_type", "choice", "贷款人类型", "Lender", options=_of(LENDERS)),
    _f("name", "words", "产品名称", "Name", required=True),
    _f("summary", "words", "一句话介绍", "In a sentence", required=True),
    _f("audience", "words", "适用对象", "For whom", required=True),
)
_DATA = (
    _f(
        "data/needs",
        "many",
        "必需的数据（企业须授权）",
        "Data the product needs",
        options=_sets,
        required=True,
    ),
    _f("data/helps", "many", "有则更好的数据", "Data that help", options=_sets),
    _f("score/worst_grade", "choice", "最低评级", "Worst grade lent to", options=_grades, required=True),
    _f("score/own_card", "bool", "允许叠加本机构评分卡", "Own scorecard may be added"),
)
_LIMIT = (
    _f("limit/min", "number", "起点（元）", "Least, CNY", required=True),
    _f("limit/max", "number", "上限（元）", "Most, CNY", required=True),
    _f("limit/step", "number", "取整（元）", "Rounded to, CNY", required=True),
    _f("limit/if_missing", "choice", "算不出时", "Where unknown", options=_missing()),
    _f("limit/below_min", "choice", "低于起点时", "Below the least", options=_missing()),
    _f("caps/firm_cny", "number", "单户在本机构合计上限（元，可空）", "Most to one firm in all, CNY"),
    _f("caps/group_cny", "number", "集团合计上限（元，可空）", "Most to one group in all, CNY"),
)
_PRICING = (
    _f("pricing/spread", "byname", "按评级加点（%）", "Spread by grade, %", options=_grades, hint=_t("不放贷的评级留空", "blank where nobody lends")),
    _f("pricing/adjust", "expr", "其他加减点公式（可空）", "Adjustment, a formula", hint=_t("如 -0.001 if 首贷户 else 0", "in the policy language")),
    _f("pricing/min", "percent", "最低年利率（%）", "Least rate, %", required=True),
    _f("pricing/max", "percent", "最高年利率（%）", "Greatest rate, %", required=True),
    _f("pricing/step", "percent", "取整（%）", "Rounded to, %"),
    _f("pricing/above_max", "choice", "高于上限时", "Above the greatest", options=(("cap", _t("按上限", "capped")), *_missing())),
    _f("pricing/reset", "choice", "利率调整", "Reset", options=(("fixed", _t("固定利率", "fixed")), ("anniversary", _t("每满一年随 LPR 重定价", "follows the LPR on each anniversary")))),
)
_TERMS = (
    _f("tenor/months", "ints", "可选期限（月，用空格分开）", "Terms in months", required=True),
    _f("tenor/usual", "int", "常用期限（月）", "Usual term", required=True),
    _f("tenor/review_months", "int", "重评间隔（月）", "Judged again every, months", hint=_t("超过一年的贷款至多 12", "at most 12 for loans beyond a year")),
    _f("drawdown/kind", "choice", "提款方式", "Drawdown", options=_of(DRAWDOWNS), required=True),
    _f("drawdown/least_cny", "number", "每次提款不少于（元）", "Least drawing, CNY"),
    _f("drawdown/most_tranches", "int", "最多分几次", "Most tranches"),
    _f("drawdown/window_months", "int", "提款期（月，可空）", "Drawing period, months"),
    _f("drawdown/paid_to", "choice", "支付给", "Paid to", options=(("either", _t("借款人或交易对手", "either")), ("borrower", _t("借款人（自主支付）", "borrower")), ("seller", _t("交易对手（受托支付）", "seller")))),
    _f("use/entrusted_cny", "number", "超过多少须受托支付（元，可空）", "Paid to the seller above, CNY"),
    _f("use/proof_days", "int", "用途凭证须在几天内提供", "Papers of use within, days"),
    _f("use/allowed", "many", "允许的用途（不选即不限）", "Purposes allowed; none: any", options=_purposes),
    _f("use/forbidden", "many", "禁止的用途", "Purposes forbidden", options=_purposes),
)
_REPAYMENT = (
    _f("repayment/ways", "many", "还款方式", "Ways of repayment", options=_of(REPAYMENTS), required=True),
    _f("repayment/day_count", "choice", "计息天数", "Day count", options=tuple((d, _t(d, d)) for d in get_args(DayCount))),
    _f("repayment/every_months", "int", "几个月还一次", "An instalment every, months"),
    _f("repayment/grace_months", "int", "本金宽限期（月）", "Grace on principal, months"),
    _f("repayment/interest_grace_months", "int", "其中不付息（月）", "of which without interest, months"),
    _f("repayment/season", "byname", "季节还本：各月比例（%）", "By the season: share of principal, %", options=_MONTHS),
    _f("repayment/rounding", "choice", "分位取舍", "Rounding", options=(("half_up", _t("四舍五入", "half up")), ("half_even", _t("四舍六入五成双", "half even")))),
    _f("repayment/allocation", "order", "还款入账顺序", "Allocation", options=ORDERS),
    _f("prepayment/after_months", "int", "几个月后可提前还款", "Early repayment after, months"),
    _f("prepayment/rate", "percent", "提前还款手续费（%）", "Fee of early repayment, %"),
    _f("prepayment/then", "choice", "部分提前还款后", "After a part is repaid early", options=(("shorter", _t("期数减少", "fewer instalments")), ("smaller", _t("每期减少", "smaller instalments")), ("next", _t("抵下几期", "pays the next ones")))),
    _f("penalty/overdue", "percent", "逾期加收（合同利率的 %）", "Added when overdue, % of the rate"),
    _f("penalty/misuse", "percent", "挪用加收（合同利率的 %）", "Added when misused, % of the rate"),
    _f("penalty/grace_days", "int", "容时天数", "Days of grace"),
    _f("penalty/compound", "bool", "逾期利息计收复利", "Overdue interest bears the penalty too"),
)
_SECURITY = (
    _f("collateral/kinds", "rows", "押品与折扣率", "Collateral and haircuts", columns=(
        Field(("kind",), "choice", _t("押品", "Kind"), options=(NONE, *PLEDGES.items())),
        Field(("haircut",), "percent", _t("折扣率（%）", "Haircut, %"), hint=_t("30 表示按七成计", "30: 70 % counts")),
    )),
    _f("collateral/coverage", "number", "覆盖倍数", "Coverage"),
    _f("collateral/revalue_months", "int", "重估间隔（月）", "Valued again every, months"),
    _f("guarantee/by", "choice", "担保人", "Guarantor", options=(NONE, *GUARANTORS.items())),
    _f("guarantee/share", "percent", "担保比例（%）", "Share guaranteed, %"),
    _f("guarantee/joint", "bool", "连带责任", "Jointly liable"),
    _f("chain/basis", "choice", "贸易背景", "Trade behind", options=(NONE, *TRADES.items())),
    _f("chain/advance", "percent", "融资比例（%）", "Advance, %"),
    _f("chain/confirmed", "bool", "须核心企业确认", "Confirmed by the core firm"),
    _f("chain/recourse", "bool", "对借款人有追索", "With recourse"),
)
GATES: dict[str, Path] = {
    "collateral": ("collateral", "kinds"),
    "guarantee": ("guarantee", "by"),
    "chain": ("chain", "basis"),
}
"""A section with nothing at this place is left out as a whole."""
_PROCESS = (
    _f("documents", "many", "申请材料", "Documents", options=_documents),
    _f("authority", "rows", "审批权限（自下而上）", "Authority, from below", columns=(
        Field(("role",), "choice", _t("岗位", "Role"), options=(NONE, *_ROLES)),
        Field(("limit_cny",), "number", _t("额度不超过（元）", "Up to, CNY")),
        Field(("rate_min",), "percent", _t("利率不低于（%）", "Rate at least, %")),
    ), required=True),
    _f("flow/mode", "choice", "办理方式", "Mode", options=(("online", _t("全线上", "online")), ("hybrid", _t("线上线下结合", "hybrid")), ("with_person", _t("线下办理", "with a person"))), required=True),
    _f("flow/steps", "many", "办理步骤", "Steps", options=_flow_steps, required=True),
    _f("flow/forced_reading_seconds", "int", "成本明示表强制阅读（秒）", "Forced reading of the costs, seconds"),
    *(
        _f(f"deadlines/{key}", "int", zh, en)
        for key, zh, en in (
            ("screen", "自动初审（天）", "Automatic check, days"),
            ("review", "人工复核（天）", "Review, days"),
            ("decide", "决定（天）", "Decision, days"),
            ("documents", "补材料（天）", "Papers, days"),
            ("offer", "答复报价（天）", "Answer to an offer, days"),
            ("sign", "签约（天）", "Signature, days"),
        )
    ),
)

STEPS: tuple[Step, ...] = (
    Step("basics", _t("基本信息", "Basics"), frozenset({"id", "version", "effective", "class", "pattern", "lender_type", "name", "summary", "audience"}), _BASICS),
    Step("data", _t("数据与评分", "Data and score"), frozenset({"data", "score"}), _DATA, _t("产品只能读取这里列出的数据，企业逐家授权。", "A product reads what is listed here and no more; each firm grants it.")),
    Step("admission", _t("准入", "Admission"), frozenset({"admission", "inputs", "derive", "tables"}), (), _t("勾选共享规则并填参数；也可自写规则。", "Choose shared rules and set their parameters, or write your own.")),
    Step("limit", _t("额度", "Limit"), frozenset({"limit", "caps"}), _LIMIT, _t("选一个模板或写公式；押品和贸易背景的上限自动加上。", "A template or a formula; caps by pledge and trade are added.")),
    Step("pricing", _t("定价", "Pricing"), frozenset({"pricing"}), _PRICING),
    Step("terms", _t("期限与提款", "Term and drawing"), frozenset({"tenor", "drawdown", "use"}), _TERMS),
    Step("repayment", _t("还款与逾期", "Repayment"), frozenset({"repayment", "prepayment", "penalty"}), _REPAYMENT),
    Step("fees", _t("费用与成本", "Fees and cost"), frozenset({"fees"}), (_f("fees", "rows", "费用", "Fees", columns=_FEE_COLUMNS),), _t("全部费用计入综合年化成本；清空编号即删除该行。", "Every fee is in the all-in cost; a row without an id is dropped.")),
    Step("security", _t("增信", "Security"), frozenset(GATES), _SECURITY),
    Step("process", _t("材料与流程", "Papers and process"), frozenset({"documents", "authority", "flow", "deadlines"}), _PROCESS),
)
# fmt: on
BY_ID = {step.id: step for step in STEPS}
REVIEW = "review"


def step_of(fault: Fault) -> str:
    """The step a fault is mended at."""
    head = str(fault.path[0]) if fault.path else ""
    if fault.path == ("class",) and "须写明" in fault.what.zh:
        return "security"
    return next((step.id for step in STEPS if head in step.parts), REVIEW)


def concerning(item: Field, faults: Iterable[Fault]) -> list[Fault]:
    """The faults at, within or right above a field."""
    return [f for f in faults if f.path[: len(item.path)] == item.path]


def left_over(step: Step, faults: Sequence[Fault]) -> list[Fault]:
    """The faults of a step that no single field has."""
    told = {id(f) for item in step.fields for f in concerning(item, faults)}
    return [f for f in faults if id(f) not in told]
