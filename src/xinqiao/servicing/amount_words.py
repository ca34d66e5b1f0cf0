"""A sum as contracts write it in words (大写金额), so that a changed digit shows."""

from __future__ import annotations

from decimal import Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")
MOST = Decimal(10) ** 16


def amount_in_words(amount_cny: Decimal) -> str:
    """A sum (0 to below 10^16, whole cents) in formal numerals: 1200.50 -> 人民币壹仟贰佰元伍角整."""
    cents = amount_cny * 100
    if not 0 <= amount_cny < MOST or cents != cents.to_integral_value():
        raise ValueError(amount_cny)
    yuan, rest = divmod(int(cents), 100)
    jiao, fen = divmod(rest, 10)
    whole = f"{_whole(yuan)}元" if yuan or not rest else ""
    small = (f"{DIGITS[jiao]}角" if jiao else "零" if yuan and fen else "") + (
        f"{DIGITS[fen]}分" if fen else ""
    )
    return f"人民币{whole}{small}{'' if fen else '整'}"


def _whole(number: int) -> str:
    """A whole number: groups of four digits, one 零 for a run of missing places."""
    if number == 0:
        return DIGITS[0]
    said, gap = "", False
    for at in reversed(range(len(GROUPS))):
        group = number // 10_000**at % 10_000
        if group == 0:
            gap = bool(said)
            continue
        said += (DIGITS[0] if said and (gap or group < 1000) else "") + _four(group) + GROUPS[at]  # noqa: PLR2004 - three digits
        gap = False
    return said


def _four(group: int) -> str:
    said, gap = "", False
    for at in reversed(range(4)):
        digit = group // 10**at % 10
        if digit == 0:
            gap = bool(said)
            continue
        said += (DIGITS[0] if gap else "") + DIGITS[digit] + PLACES[at]
        gap = False
    return said
