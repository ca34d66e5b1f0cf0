"""Pages: Jinja templates with both languages, without a script needed."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from xinqiao.account.notice import unread
from xinqiao.db.database import new_token
from xinqiao.kernel import quantity
from xinqiao.kernel.clock import CHINA
from xinqiao.kernel.text import Text
from xinqiao.portal import htmx
from xinqiao.portal.menu import menu

if TYPE_CHECKING:
    from xinqiao.portal.visit import Visit

Language = Literal["both", "zh", "en"]
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("xinqiao.portal"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals["new_token"] = new_token
    environment.filters.update(
        money=quantity.money,
        wan=quantity.wan,
        percent=quantity.percent,
        rate=quantity.rate,
        fixed=quantity.fixed,
        signed=quantity.signed,
        moment=moment,
    )
    return environment


def moment(at: datetime) -> str:
    """A time as people in China read it."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def plain(language: Language, zh: object, en: object = "") -> str:
    """The same without markup, for attributes and options, where no element may stand."""
    if isinstance(zh, Text):
        return plain(language, zh.zh, zh.en)
    if language == "zh" or not en or zh == en:
        return str(zh)
    return str(en) if language == "en" else f"{zh} {en}"


def both(language: Language, zh: object, en: object = "") -> Markup:
    """A text in the chosen language, or Chinese with English beside it."""
    if isinstance(zh, Text):
        return both(language, zh.zh, zh.en)
    if language == "zh" or not en or zh == en:
        return escape(zh)
    if language == "en":
        return Markup('<span lang="en">{}</span>').format(en)
    return Markup('{} <span class="en" lang="en">{}</span>').format(zh, en)


def render(visit: Visit, template: str, status: int, **values: Any) -> Response:  # noqa: ANN401 - the template's own
    """The page with what every page has: language, menu, sign-in, CSRF token."""
    language = visit.language

    def t(zh: object, en: object = "") -> Markup:
        return both(language, zh, en)

    lines, path = menu(visit.actor), visit.request.url.path
    above = (item.path for item in lines if f"{path}/".startswith(f"{item.path}/"))
    html = (
        _environment()
        .get_template(template)
        .render(
            t=t,
            plain=lambda zh, en="": plain(language, zh, en),
            language=language,
            actor=visit.actor,
            menu=lines,
            path=path,
            here=max(above, key=len, default=""),
            csrf=visit.csrf or "",
            generated=visit.platform.generated,
            unread=unread(visit.tx, visit.actor) if visit.actor.person else 0,
            script=htmx.address(),
            **values,
        )
    )
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", **visit.headers}
    headers |= {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return HTMLResponse(html, status, headers)
