"""A bank's policies: edited in tables, checked line by line, tried on history, released by two people."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, File, Form, Query, Request, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.db.database import Tx
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending import backtest as history
from xinqiao.lending import bank_policy, bank_release
from xinqiao.lending.bank_policy import Version, compiled
from xinqiao.lending.bank_release import Mode, Proposal
from xinqiao.lending.product import institution_products
from xinqiao.lending.release_rule import K
from xinqiao.policy.batch import OUTCOMES
from xinqiao.policy.diff import Diff, Group, effects
from xinqiao.policy.edits import KINDS
from xinqiao.policy.load import built_in, load_policy
from xinqiao.policy.release import CHAMPION
from xinqiao.portal.bank_policy_editor import CHOICES, ENDS, editor, rewritten
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.visit import Visit, needs
from xinqiao.report.page import OUTCOMES as OUTCOME_NAMES
from xinqiao.report.policy_diff import DiffPage, code_names, figure_rows, flow_chart, render_policy_diff

router = APIRouter()
MOST_TEXT = 400_000
MODES: dict[Mode, Text] = {
    "sole": Text(zh="全部由冠军决定", en="the champion decides all"),
    "live": Text(zh="灰度：挑战者决定所抽份额", en="grey: the challenger decides its share"),
    "shadow": Text(zh="影子：挑战者只旁路试算", en="shadow: the challenger decides silently"),
}
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


async def told_fields(request: Request) -> dict[str, str]:
    """All text fields of the form, whatever they are called."""
    form = await request.form()
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


Fields = Annotated[dict[str, str], Depends(told_fields)]
Reads = Annotated[Visit, needs("case.read")]
Edits = Annotated[Visit, needs("product.edit")]
Releases = Annotated[Visit, needs("product.release")]


def _see(path: str) -> Response:
    return RedirectResponse(path, 303)


def _at(version_id: UUID, part: str = "") -> str:
    return f"/bank/policies/versions/{version_id}{part}"


@router.get("/bank/policies")
def policies_page(visit: Reads) -> Response:
    """Every policy of the bank with what decides now, what waits and its versions."""
    institution, versions = own_institution(visit), bank_policy.versions(visit.tx)
    releases = bank_release.releases(visit.tx)
    offers = [o for o in institution_products(visit.tx, institution) if o.state != "closed"]
    products = {o.product.id: o.product.name for o in offers}
    catalog = {key: load_policy(key).file.name for key in built_in()}
    lines = [
        (
            policy,
            products.get(policy) or catalog.get(policy),
            [v for v in versions if v.policy == policy],
            [r for r in releases if r.policy == policy],
        )
        for policy in dict.fromkeys(v.policy for v in versions)
    ]
    numbers = {v.id: v.number for v in versions}
    return visit.page(
        "bank_policies.html", lines=lines, sources={**products, **catalog}, numbers=numbers, modes=MODES
    )


@router.post("/bank/policies/start")
def start(visit: Edits, source: Annotated[str, Form(max_length=80)]) -> Response:
    """A new draft from a product, a policy of the catalog or a version by id."""
    return visit.once(lambda: _see(_at(bank_policy.start(visit.tx, visit.actor, _source(source)))))


def _source(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text


@router.post("/bank/policies/bring")
def bring(visit: Edits, file: Annotated[UploadFile, File()]) -> Response:
    """A new draft from a file."""
    data = file.file.read(MOST_TEXT + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail("BWB-FILE", file.filename or "-", detail="UTF-8", limit=f"{MOST_TEXT:,} bytes")
    if len(data) > MOST_TEXT:
        fail("BWB-FILE", file.filename or "-", detail=f"> {MOST_TEXT:,} bytes", limit=f"{MOST_TEXT:,} bytes")
    return visit.once(lambda: _see(_at(bank_policy.bring(visit.tx, visit.actor, text))))


@router.get("/bank/policies/versions/{version_id}")
def version_page(visit: Reads, version_id: UUID) -> Response:
    """One version in tables, with the faults beside the lines they concern."""
    found = bank_policy.version(visit.tx, version_id)
    releases = bank_release.releases(visit.tx, found.policy)
    return visit.page(
        "bank_policy_version.html",
        e=editor(found),
        v=found,
        ends=ENDS,
        choices=CHOICES,
        modes=MODES,
        others=[v for v in bank_policy.versions(visit.tx, found.policy) if v.id != found.id],
        releases=releases,
        waiting=next((r for r in releases if r.decided_by is None), None),
    )


@router.post("/bank/policies/versions/{version_id}")
def save(visit: Edits, version_id: UUID, told: Fields, revision: Annotated[int, Form()]) -> Response:
    """Save the cells of a form; the places that did not change stay byte for byte."""

    def work() -> Response:
        found = bank_policy.version(visit.tx, version_id)
        text = rewritten(found, told)
        if text != found.text:
            bank_policy.save(visit.tx, version_id, revision, text)
        return _see(_at(version_id, f"#{told.get('part', '')}"))

    return visit.once(work)


@router.post("/bank/policies/versions/{version_id}/text")
def save_text(
    visit: Edits,
    version_id: UUID,
    revision: Annotated[int, Form()],
    text: Annotated[str, Form(max_length=MOST_TEXT)],
) -> Response:
    """Save the whole text."""

    def work() -> Response:
        bank_policy.save(visit.tx, version_id, revision, text.replace("\r\n", "\n"))
        return _see(_at(version_id, "#text"))

    return visit.once(work)


@router.get("/bank/policies/versions/{version_id}/policy.yaml")
def text_file(visit: Reads, version_id: UUID) -> Response:
    """The text as a file."""
    found = bank_policy.version(visit.tx, version_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.policy}-v{found.number}.yaml"'}
    return Response(found.text, media_type="application/yaml", headers=headers)


# back-test ------------------------------------------------------------------------------------------


def _compared(
    tx: Tx, institution: UUID, version: Version, *, against: str, on: history.Source, lgd: float
) -> tuple[Diff, Text]:
    """The version beside another one, or beside what decides now."""
    new = compiled(version.text, version.origin)
    if against != "now":
        other = bank_policy.version(tx, UUID(against))
        old, name = compiled(other.text, other.origin), Text(zh=f"v{other.number}", en=f"v{other.number}")
    else:
        try:
            old = bank_release.deciding(tx, institution, version.policy).policies[CHAMPION]
        except UserError:
            old = bank_policy.product_policy(tx, institution, version.policy)
        name = Text(zh="现行政策", en="what decides now")
    return history.backtest(tx, (old, new), on, lgd), name


Against = Annotated[str, Query(pattern=r"^(now|[0-9a-f-]{36})$")]
Share = Annotated[float, Query(ge=0, le=1)]


@router.get("/bank/policies/versions/{version_id}/backtest")
def backtest_page(
    visit: Reads,
    version_id: UUID,
    against: Against = "now",
    on: history.Source = "sample",
    lgd: Share = history.LGD,
) -> Response:
    """Who would be decided otherwise, and what approval rate and expected loss would be."""
    found, institution = bank_policy.version(visit.tx, version_id), own_institution(visit)
    others = [v for v in bank_policy.versions(visit.tx, found.policy) if v.id != found.id]
    asked: dict[str, Any] = {"v": found, "others": others, "against": against, "on": on, "lgd": lgd}
    try:
        diff, old = _compared(visit.tx, institution, found, against=against, on=on, lgd=lgd)
    except UserError as error:
        return visit.page("bank_backtest.html", diff=None, error=error, **asked)
    return visit.page("bank_backtest.html", error=None, old=old, **_figures(diff, on), **asked)


def _figures(diff: Diff, on: history.Source) -> dict[str, Any]:
    """What the page shows of a comparison; of the sample nothing about fewer than K companies."""
    least = K if on == "sample" else 1
    return {
        "diff": diff,
        "least": least,
        "rows": list(figure_rows(*diff.figures)),
        "flow": flow_chart(diff),
        "moved": int(diff.moved.sum()),
        "changed": int(diff.changed.sum()),
        "causes": [cause for cause in diff.causes() if cause.companies >= least][:20],
        "effects": [(edit, effect) for edit, effect in effects(diff) if edit.lines][:30],
        "groups": [g for g in diff.groups("grade", diff.b.file.grades) if g.before.companies >= least],
        "tellable": lambda group: _tellable(group, least),
        "codes": {**code_names(diff.a), **code_names(diff.b)},
        "outcomes": OUTCOME_NAMES,
        "kinds": KINDS,
        "order": OUTCOMES,
    }


def _tellable(group: Group, least: int) -> bool:
    """Whether rates and amounts of a group are about nobody or enough: approved, not approved, moved."""
    counts = [group.moved]
    for told in (group.before, group.after):
        counts += [told.approved, told.companies - told.approved]
    return all(count == 0 or count >= least for count in counts)


@router.get("/bank/policies/versions/{version_id}/comparison")
def comparison_page(
    visit: Reads, version_id: UUID, against: Against = "now", lgd: Share = history.LGD
) -> Response:
    """The whole comparison on the bank's own applications, company by company, as a page of its own."""
    found, institution = bank_policy.version(visit.tx, version_id), own_institution(visit)
    diff, old = _compared(visit.tx, institution, found, against=against, on="own", lgd=lgd)
    new = Text(zh=f"v{found.number}", en=f"v{found.number}")
    dataset = Text(zh=f"本行 {len(diff.ids):,} 户", en=f"{len(diff.ids):,} of our companies")
    page = DiffPage(dataset, visit.platform.generated, (old, new), (), lambda _: None)
    html = render_policy_diff(diff, effects(diff), page)
    return Response(html, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": SANDBOX})


# release --------------------------------------------------------------------------------------------


@router.post("/bank/policies/versions/{version_id}/propose")
def propose(
    visit: Edits,
    version_id: UUID,
    *,
    mode: Annotated[Mode, Form()] = "sole",
    champion: Annotated[str, Form(pattern=r"^(|[0-9a-f-]{36})$")] = "",
    share: Annotated[str, Form(max_length=10)] = "",
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Propose this version: alone, or as the challenger of ``champion`` on ``share`` percent."""
    if mode == "sole" or not champion:
        proposal = Proposal(version_id, note=note)
    else:
        proposal = Proposal(UUID(champion), version_id, mode, _share(share), note)

    def work() -> Response:
        bank_release.propose(visit.tx, visit.actor, proposal)
        return _see("/bank/policies")

    return visit.once(work)


def _share(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip()) / 100 if text.strip() else None
    except InvalidOperation:
        fail("BWB-STATE", "share", detail=f"份额 share: {text!r}")


@router.post("/bank/policies/releases/{release_id}/decide")
def decide(
    visit: Releases, release_id: UUID, outcome: Annotated[Literal["release", "refuse"], Form()]
) -> Response:
    """The second person's decision."""

    def work() -> Response:
        bank_release.decide(visit.tx, visit.actor, release_id, released=outcome == "release")
        return _see("/bank/policies")

    return visit.once(work)


@router.post("/bank/policies/{policy}/roll-back")
def roll_back(visit: Edits, policy: str) -> Response:
    """Propose what stood before."""

    def work() -> Response:
        bank_release.roll_back(visit.tx, visit.actor, policy)
        return _see("/bank/policies")

    return visit.once(work)
