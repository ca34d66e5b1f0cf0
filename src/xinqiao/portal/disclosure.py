"""What is disclosed to everybody: what is collected and why, what a report holds, how to object.

Made from the catalog at each request: a source or field that is added stands here at once.
"""

from __future__ import annotations

from typing import Annotated

from fastapi.routing import APIRouter
from starlette.responses import Response

from xinqiao.account.institution import institutions
from xinqiao.consent import deployment, objections, requests
from xinqiao.consent.terms import data_sets, purposes
from xinqiao.consent.texts import texts
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.clock import today
from xinqiao.kernel.text import Text
from xinqiao.portal.visit import Visit, needs
from xinqiao.source.contract import contracts
from xinqiao.source.holder import sources

router = APIRouter()
ROLES = {
    "public_platform": Text(zh="公共信用平台", en="public credit platform"),
    "credit_reporting": Text(zh="备案企业征信机构", en="filed credit reporting agency for firms"),
    "bank": Text(zh="银行自用", en="a bank's own platform"),
}
SECTIONS = (
    Text(zh="企业基本信息", en="the firm's register entry"),
    Text(zh="信用评分、等级与升降原因", en="score, grade, and what raised or lowered it"),
    Text(zh="六维画像与标签", en="portrait of six dimensions, and tags"),
    Text(
        zh="指标值、来源、日期与缺失原因",
        en="indicators with source, date and the reason where there is none",
    ),
    Text(zh="待核线索与证据", en="leads to verify, with their evidence"),
    Text(zh="异议标注与企业说明", en="objections and the firm's own statement"),
    Text(zh="名词解释", en="glossary"),
)


@router.get("/disclosure")
def disclosure_page(visit: Annotated[Visit, needs("public.read")]) -> Response:
    """Categories collected, form of a report, procedure of objections."""
    kept: dict[str, list[Text]] = {}
    for contract in contracts().values():
        kept.setdefault(contract.source, []).append(contract.name)
    counts: dict[str, int] = {}
    for indicator in indicators().values():
        counts[indicator.source] = counts.get(indicator.source, 0) + 1
    current = deployment.current(visit.tx)
    return visit.page(
        "disclosure.html",
        sources=sources(),
        kept=kept,
        counts=counts,
        purposes=purposes(),
        sets=data_sets(),
        sections=SECTIONS,
        versions={kind: text.at(today()) for kind, text in texts().items()},
        days=objections.DAYS,
        request_days=requests.DAYS,
        states=objections.STATES,
        role=ROLES[current.role] if current else None,
        operators=institutions(visit.tx, kind="operator", status="active"),
    )
