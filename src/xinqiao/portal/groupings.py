"""What statistics divide firms by, in words: industry sections, districts, sizes, yes and no."""

from __future__ import annotations

from functools import cache

from xinqiao.enterprise.division import full_name
from xinqiao.enterprise.industry import industries
from xinqiao.kernel.text import Text

UNKNOWN = "-"
OTHERS = Text(zh="其他（合并）", en="others, merged")
NOT_KNOWN = Text(zh="未登记", en="not known")
GENERATED_DIVISION = "99"
"""No real division begins with these digits; the generated region's do."""
_SECTIONS_EN = (
    "A agriculture|B mining|C manufacturing|D power, heat, gas, water|E construction|F wholesale and retail|"
    "G transport and storage|H lodging and catering|I information technology|J finance|K real estate|"
    "L leasing and business services|M research and technical services|N environment and public facilities|"
    "O household services|P education|Q health and social work|R culture and sports|S public administration|"
    "T international organisations"
)
_SIZES = {
    "micro": Text(zh="微型", en="micro"),
    "small": Text(zh="小型", en="small"),
    "medium": Text(zh="中型", en="medium"),
    "large": Text(zh="大型", en="large"),
}
_FIRST = {
    "yes": Text(zh="首贷户", en="first-time borrowers"),
    "no": Text(zh="曾有贷款", en="borrowed before"),
}


@cache
def _sections() -> dict[str, Text]:
    english = dict(entry.split(" ", 1) for entry in _SECTIONS_EN.split("|"))
    return {key: Text(zh=industries()[key].name, en=name) for key, name in english.items()}


def industry_name(key: str | None) -> Text:
    """An industry section (门类)."""
    return OTHERS if key is None else _sections().get(key, NOT_KNOWN)


def division_name(key: str | None) -> Text:
    """A district, or the city above it."""
    if key is None or key == UNKNOWN:
        return OTHERS if key is None else NOT_KNOWN
    if key.startswith(GENERATED_DIVISION) and key.endswith("00"):
        return Text(zh="示范市", en="demo city")
    if key.startswith(GENERATED_DIVISION):
        return Text(zh=f"示范{int(key[-2:])}区", en=f"demo district {int(key[-2:])}")
    name = full_name(key) or key
    return Text(zh=name, en=key)


def size_name(key: str | None) -> Text:
    """A size class."""
    return OTHERS if key is None else _SIZES.get(key, NOT_KNOWN)


def first_name(key: str | None) -> Text:
    """Whether a firm borrows for the first time."""
    return OTHERS if key is None else _FIRST.get(key, NOT_KNOWN)


def first_key(first: bool | None) -> str:  # noqa: FBT001 - one of three, not a switch
    """The group of a firm by whether it borrows for the first time."""
    return UNKNOWN if first is None else "yes" if first else "no"


_STATUSES = {
    "active": Text(zh="存续", en="active"),
    "revoked": Text(zh="吊销", en="licence revoked"),
    "cancelled": Text(zh="注销", en="struck off"),
    "suspended": Text(zh="歇业", en="suspended"),
    "moved": Text(zh="迁出", en="moved away"),
}
_FORMS = {
    "company": Text(zh="企业", en="company"),
    "self_employed": Text(zh="个体工商户", en="self-employed"),
    "cooperative": Text(zh="农民专业合作社", en="cooperative"),
    "branch": Text(zh="分支机构", en="branch"),
    "other": Text(zh="其他", en="other"),
}


def status_name(key: str | None) -> Text:
    """The state of a firm in the register."""
    return _STATUSES.get(key or "", NOT_KNOWN)


def form_name(key: str | None) -> Text:
    """What kind of firm the register says it is."""
    return _FORMS.get(key or "", NOT_KNOWN)
