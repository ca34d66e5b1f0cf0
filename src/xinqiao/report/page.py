"""Rendering: one Jinja environment, two languages in every text, pages written atomically."""

from __future__ import annotations

import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from xinqiao.kernel import quantity as fmt
from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole

_PLAIN_ID = re.compile(r"[0-9A-Z]{1,40}")

OUTCOMES = {
    "approve": Text(zh="批准", en="Approved"),
    "refer": Text(zh="人工复核", en="Manual review"),
    "reject": Text(zh="拒绝", en="Declined"),
}
OUTCOME_MARKS = {"approve": "✓", "refer": "◐", "reject": "✕"}


def bilingual(text: Text) -> Markup:
    """Chinese with the English beside it, both escaped; written once when they are the same."""
    return words(text.zh, text.en)


@lru_cache(maxsize=8192)  # the same words stand on every company's page
def words(zh: str, en: str) -> Markup:
    """Two texts as one bilingual element, both escaped."""
    first = escape(zh)
    if zh == en:
        return Markup(f'<span class="bi">{first}</span>')  # noqa: S704 - escaped above
    return Markup(f'<span class="bi">{first}<span class="en" lang="en">{escape(en)}</span></span>')  # noqa: S704 - as above


def shown(value: fmt.Number | str | None, unit: str, missing: Text | None = None) -> Markup:
    """A value with its unit; a missing one as 缺失 with its reason, never as zero."""
    if value is not None:
        return bilingual(fmt.quantity(value, unit))
    reason = Text(zh=f"缺失：{missing.zh}", en=f"missing: {missing.en}") if missing else fmt.MISSING
    return Markup('<span class="na">{}</span>').format(bilingual(reason))


@cache
def environment() -> Environment:
    """The template environment: autoescape on, undefined names are errors."""
    env = Environment(
        loader=PackageLoader("xinqiao.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.globals.update(
        t=words, shown=shown, outcomes=OUTCOMES, marks=OUTCOME_MARKS, company_file=company_file
    )
    env.filters.update(
        bi=bilingual,
        money=lambda v: bilingual(fmt.money(v)),
        wan=fmt.wan,
        percent=fmt.percent,
        rate=fmt.rate,
        fixed=fmt.fixed,
        signed=fmt.signed,
    )
    return env


def render(template: str, **values: object) -> str:
    """The page ``template`` filled in with ``values``."""
    return environment().get_template(template).render(**values)


def company_file(company_id: str) -> str:
    """A safe file name for a company's page; ids are hostile input.

    Upper-case letters and digits stay as they are (also safe where case is ignored); any other id
    is named by its digest.
    """
    if _PLAIN_ID.fullmatch(company_id):
        return f"{company_id}.html"
    return f"id-{hashlib.sha256(company_id.encode()).hexdigest()[:20]}.html"


def write_page(path: Path, html: str) -> None:
    """Write ``html`` to ``path`` at once or not at all. Raises UserError FILE-WRITE."""
    write_whole(path, html.encode())
