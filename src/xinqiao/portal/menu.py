"""The menu of each side: what a page's left column lists."""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.account.actor import Actor
from xinqiao.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the menu, shown to those who have ``permission``."""

    path: str
    name: Text
    permission: str


def _item(path: str, zh: str, en: str, permission: str) -> Item:
    return Item(path, Text(zh=zh, en=en), permission)


_EVIDENCE = _item("/evidence", "存证", "Evidence", "account.own")
_PRIVACY = _item("/privacy", "隐私计算", "Joint computing", "privacy.read")
_BANK = (
    _item("/bank", "工作台", "Work queue", "case.read"),
    _item("/bank/products", "产品", "Products", "case.read"),
    _item("/bank/policies", "政策", "Policies", "case.read"),
    _item("/bank/scorecards", "本行数据与评分卡", "Own data and card", "case.read"),
    _item("/bank/batches", "批量预授信", "Batch pre-approval", "case.handle"),
    _item("/bank/loans", "贷款台账", "Loan book", "loan.read"),
    _item("/bank/limits", "额度与限额", "Limits", "loan.read"),
    _item("/bank/bulk-actions", "批量政策措施", "Bulk measures", "loan.read"),
    _item("/bank/day-end", "日终与对账", "Day-end and core", "loan.read"),
    _item("/bank/monitoring", "贷后预警", "Early warning", "loan.read"),
    _item("/bank/portfolio", "组合", "Portfolio", "loan.read"),
    _item("/bank/annual-reviews", "年度重评", "Yearly reviews", "loan.read"),
    _item("/bank/needs", "融资需求", "Posted needs", "case.read"),
    _item("/bank/outcomes", "结果反馈", "Outcomes", "case.handle"),
    _item("/bank/data", "找数据", "Find data", "data.consult"),
    _PRIVACY,
    _EVIDENCE,
    _item("/institution", "机构管理", "Institution", "institution.admin"),
    _item("/institution/webhooks", "消息推送", "Webhooks", "webhook.own"),
)
MENUS: dict[str, tuple[Item, ...]] = {
    "enterprise": (
        _item("/enterprise", "我的信用", "My credit", "company.own"),
        _item("/enterprise/products", "匹配产品", "Matched products", "company.own"),
        _item("/enterprise/applications", "我的申请", "Applications", "company.own"),
        _item("/enterprise/loans", "我的贷款", "My loans", "company.own"),
        _item("/enterprise/needs", "融资需求", "Post a need", "company.own"),
        _item("/enterprise/news", "政策资讯", "Policy news", "company.own"),
        _item("/enterprise/grants", "授权与查询记录", "Grants and reads", "company.own"),
        _item("/enterprise/objections", "异议与投诉", "Objections", "company.own"),
        _EVIDENCE,
    ),
    "bank": _BANK,
    "guarantee": _BANK,
    "holder": (
        _item("/holder", "数据契约", "Contracts", "holder.work"),
        _item("/holder/deliveries", "交付与质量", "Deliveries and quality", "holder.work"),
        _item("/holder/uses", "使用情况", "Uses", "holder.work"),
        _item("/holder/bills", "账单", "Bills", "holder.work"),
        _PRIVACY,
        _EVIDENCE,
        _item("/institution", "机构管理", "Institution", "institution.admin"),
        _item("/institution/webhooks", "消息推送", "Webhooks", "webhook.own"),
    ),
    "operator": (
        _item("/operator", "总览", "Overview", "platform.statistics"),
        _item("/operator/funnel", "申请漏斗", "Funnel", "platform.statistics"),
        _item("/operator/lending", "投放结构", "Lending", "platform.statistics"),
        _item("/operator/portfolio", "存量贷款", "Open loans", "platform.statistics"),
        _item("/operator/coverage", "覆盖与质量", "Coverage and quality", "platform.statistics"),
        _item("/operator/news", "政策资讯", "Policy news", "platform.admin"),
        _item("/operator/needs", "未满足需求", "Unmet needs", "platform.statistics"),
        _item("/operator/institutions", "机构入驻", "Onboarding", "platform.admin"),
        _item("/operator/compliance", "合规", "Compliance", "platform.admin"),
        _PRIVACY,
        _EVIDENCE,
        _item("/institution", "机构管理", "Institution", "institution.admin"),
        _item("/institution/webhooks", "消息推送", "Webhooks", "webhook.own"),
    ),
}
MENUS["regulator"] = MENUS["operator"]


def menu(actor: Actor) -> tuple[Item, ...]:
    """The lines that ``actor`` may open."""
    return tuple(item for item in MENUS.get(actor.side, ()) if actor.may(item.permission))
