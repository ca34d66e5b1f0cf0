"""Five-class risk classification (风险分类) of a loan: rules over plain facts, the gravest decides.

The rules are those of the classification measures for commercial banks in force since July 2023 (requirement
L09). Renewal without repayment (无还本续贷) is no fact here: by itself it lowers no class (requirement L11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from xinqiao.kernel.period import add_months
from xinqiao.kernel.text import Text

Class = Literal["normal", "special_mention", "substandard", "doubtful", "loss"]
CLASSES: tuple[Class, ...] = get_args(Class)
"""From the best to the worst."""
NAMES: dict[Class, Text] = {
    "normal": Text(zh="正常", en="normal"),
    "special_mention": Text(zh="关注", en="special mention"),
    "substandard": Text(zh="次级", en="substandard"),
    "doubtful": Text(zh="可疑", en="doubtful"),
    "loss": Text(zh="损失", en="loss"),
}
SUBSTANDARD_AFTER_DAYS = 90
DOUBTFUL_AFTER_DAYS = 270
LOSS_AFTER_DAYS = 360
OVERDUE_SHARE = Decimal("0.20")
"""Above this share of a debtor's debts at all banks being overdue more than 90 days, all are substandard."""
BAD_SHARE = Decimal("0.10")
"""Above this share of a debtor's debts here being non-performing, all of them here are."""
DOUBTFUL_LOSS_SHARE = Decimal("0.50")
LOSS_LOSS_SHARE = Decimal("0.90")
UPGRADE_MONTHS = 6
UPGRADE_PERIODS = 2
WATCH_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a loan and its debtor at the end of a day.

    ``technical``: overdue for an operational reason only, for days. ``use_changed``: the money went
    elsewhere without consent. ``refinanced``: repaid by new debt (借新还旧), not a renewal by the rules.
    ``bad_elsewhere``: another debt of the debtor is non-performing, here or at another bank.
    ``impaired``, ``loss_share``: credit-impaired, and its expected loss over its balance.
    ``overdue_share``: of the debtor's debts at all banks, the share overdue more than 90 days; None where
    nothing is known. ``bad_share``: of its debts here, the share non-performing. ``retail``: a consumer, whom
    the two rules on debtors don't concern. ``watched_until``: last day of the watch after a restructuring.
    """

    days_past_due: int = 0
    technical: bool = False
    use_changed: bool = False
    refinanced: bool = False
    bad_elsewhere: bool = False
    impaired: bool = False
    evades: bool = False
    bankrupt: bool = False
    loss_share: Decimal | None = None
    overdue_share: Decimal | None = None
    bad_share: Decimal | None = None
    retail: bool = False
    watched_until: date | None = None
    set_by_hand: Class | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """What is needed to leave the non-performing classes again.

    ``clean_since``: the day since which nothing is overdue; None while something is. ``periods_paid``:
    instalments paid in time since then. ``able``: two people have found that the debtor can go on paying.
    """

    clean_since: date | None
    periods_paid: int
    able: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class and every rule that led to it, by name (``REASONS``)."""

    cls: Class
    reasons: tuple[str, ...]


REASONS: dict[str, Text] = {
    "overdue": Text(zh="本金或利息逾期", en="principal or interest is overdue"),
    "overdue_90": Text(zh="逾期超过 90 天", en="overdue more than 90 days"),
    "overdue_270": Text(zh="逾期超过 270 天", en="overdue more than 270 days"),
    "overdue_360": Text(zh="逾期超过 360 天", en="overdue more than 360 days"),
    "use_changed": Text(zh="擅自改变资金用途", en="the money was used otherwise without consent"),
    "refinanced": Text(zh="借新还旧", en="repaid by new debt"),
    "bad_elsewhere": Text(zh="同一债务人另有不良债务", en="another debt of the debtor is non-performing"),
    "impaired": Text(zh="已发生信用减值", en="credit-impaired"),
    "overdue_share": Text(
        zh="全部银行债务中逾期 90 天以上的超过 20%",
        en="more than 20 % of the debts at all banks are overdue over 90 days",
    ),
    "bad_share": Text(
        zh="本行债权超过 10% 已为不良", en="more than 10 % of the debts at this bank are non-performing"
    ),
    "evades": Text(zh="逃废债务", en="evades its debts"),
    "loss_half": Text(zh="预期信用损失占 50% 以上", en="expected loss of half the balance or more"),
    "bankrupt": Text(zh="进入破产清算", en="in bankruptcy liquidation"),
    "loss_most": Text(zh="预期信用损失占 90% 以上", en="expected loss of 90 % of the balance or more"),
    "watched": Text(zh="重组观察期内", en="in the watch after a restructuring"),
    "by_hand": Text(zh="人工认定", en="set by people"),
    "not_cured": Text(zh="尚不满足上调条件", en="does not yet meet the conditions of an upgrade"),
}


def worse(one: Class, other: Class) -> Class:
    """The graver of two classes."""
    return max(one, other, key=CLASSES.index)


def bad(cls: Class) -> bool:
    """Whether a class is non-performing (不良)."""
    return CLASSES.index(cls) >= CLASSES.index("substandard")


def by_days(days_past_due: int) -> Class:
    """The class that days past due alone ask for."""
    if days_past_due > LOSS_AFTER_DAYS:
        return "loss"
    if days_past_due > DOUBTFUL_AFTER_DAYS:
        return "doubtful"
    if days_past_due > SUBSTANDARD_AFTER_DAYS:
        return "substandard"
    return "special_mention" if days_past_due > 0 else "normal"


_DAYS_REASON: dict[Class, str] = {
    "special_mention": "overdue",
    "substandard": "overdue_90",
    "doubtful": "overdue_270",
    "loss": "overdue_360",
}


def classify(facts: Facts, on: date, *, before: Class = "normal", cure: Cure | None = None) -> Verdict:
    """The class at the end of ``on``; ``before``: the class so far, left for a better one only when cured."""
    found = [(cls, name) for cls, name in _rules(facts, on)]
    cls: Class = "normal"
    for each, _ in found:
        cls = worse(cls, each)
    if bad(before) and not bad(cls) and not cured(cure, on):
        # what is left of the non-performing class until the debtor has proved itself
        return Verdict("substandard", ("not_cured",))
    return Verdict(cls, tuple(name for each, name in found if each == cls))


def _rules(facts: Facts, on: date) -> list[tuple[Class, str]]:
    """Every rule that holds, with the class it asks for at least."""
    days = by_days(facts.days_past_due)
    found: list[tuple[Class, str]] = []
    if days != "normal" and not (facts.technical and days == "special_mention"):
        found.append((days, _DAYS_REASON[days]))
    marks: tuple[tuple[bool, Class, str], ...] = (
        (facts.use_changed, "special_mention", "use_changed"),
        (facts.refinanced, "special_mention", "refinanced"),
        (facts.bad_elsewhere and not facts.retail, "special_mention", "bad_elsewhere"),
        (facts.watched_until is not None and on <= facts.watched_until, "special_mention", "watched"),
        (facts.impaired, "substandard", "impaired"),
        (_above(facts.overdue_share, OVERDUE_SHARE) and not facts.retail, "substandard", "overdue_share"),
        (_above(facts.bad_share, BAD_SHARE) and not facts.retail, "substandard", "bad_share"),
        (facts.evades, "doubtful", "evades"),
        (facts.impaired and _reaches(facts.loss_share, DOUBTFUL_LOSS_SHARE), "doubtful", "loss_half"),
        (facts.bankrupt, "loss", "bankrupt"),
        (facts.impaired and _reaches(facts.loss_share, LOSS_LOSS_SHARE), "loss", "loss_most"),
    )
    found += [(cls, name) for holds, cls, name in marks if holds]
    if facts.set_by_hand is not None and facts.set_by_hand != "normal":
        found.append((facts.set_by_hand, "by_hand"))
    return found


def _above(share: Decimal | None, bound: Decimal) -> bool:
    return share is not None and share > bound


def _reaches(share: Decimal | None, bound: Decimal) -> bool:
    return share is not None and share >= bound


def cured(cure: Cure | None, on: date) -> bool:
    """Whether a non-performing loan may go up.

    All arrears are paid, two periods and six months since (the longer of them) were paid in time, and two
    people found that the debtor can go on paying.
    """
    if cure is None or cure.clean_since is None:
        return False
    waited = on >= add_months(cure.clean_since, UPGRADE_MONTHS)
    return waited and cure.periods_paid >= UPGRADE_PERIODS and cure.able


def watch_ends(first_due: date, second_due: date) -> date:
    """Last day of the watch after a restructuring: a year and two periods from the first new due date."""
    return max(add_months(first_due, WATCH_MONTHS), second_due)
