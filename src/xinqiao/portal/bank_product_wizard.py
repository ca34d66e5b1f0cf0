"""The product wizard: a product composed step by step, tried on firms, and proposed to a second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, File, Form, Request, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending import product_draft
from xinqiao.lending.backtest import Source
from xinqiao.lending.component import library
from xinqiao.lending.lpr import published
from xinqiao.lending.outcome import amount
from xinqiao.lending.product import Offered, Product, offered_product
from xinqiao.lending.product_draft import ALL_STEPS, Draft
from xinqiao.lending.product_findings import Findings, examine
from xinqiao.lending.product_text import changes
from xinqiao.lending.product_trial import told, trial
from xinqiao.portal import product_pages
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.loan_words import REPAYMENTS
from xinqiao.portal.product_costs import costs_of
from xinqiao.portal.product_fields import shown
from xinqiao.portal.product_steps import BY_ID, REVIEW, STEPS, Step, left_over, step_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.report.charts.bars import columns

router = APIRouter()
MOST_BYTES = 400_000
PATH = "/bank/products/drafts"
WAN = 10_000


async def told_lists(request: Request) -> dict[str, list[str]]:
    """All text fields of the form, those of one name together."""
    form, out = await request.form(), dict[str, list[str]]()
    for name, value in form.multi_items():
        if isinstance(value, str):
            out.setdefault(name, []).append(value)
    return out


Lists = Annotated[dict[str, list[str]], Depends(told_lists)]
Reads = Annotated[Visit, needs("case.read")]
Edits = Annotated[Visit, needs("product.edit")]
Revision = Annotated[int, Form()]


def _see(path: str) -> Response:
    return RedirectResponse(path, 303)


def _at(draft_id: UUID, part: str = REVIEW) -> str:
    return f"{PATH}/{draft_id}/{part}"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a step of a draft is: ``kind`` done, stop (with faults), or nothing yet."""

    id: str
    name: Text
    kind: str
    faults: int


def _marks(draft: Draft, looked: Findings) -> list[Mark]:
    counts = {step.id: sum(step_of(f) == step.id for f in looked.faults) for step in STEPS}
    return [Mark(step.id, step.name, _kind(draft, step, counts[step.id]), counts[step.id]) for step in STEPS]


def _kind(draft: Draft, step: Step, faults: int) -> str:
    if not _seen(draft, step):
        return ""
    return "stop" if faults else "done"


def _seen(draft: Draft, step: Step) -> bool:
    return ALL_STEPS in draft.seen or step.id in draft.seen


# beginning ------------------------------------------------------------------------------------------


@router.post("/bank/products/drafts")
def start(visit: Edits, source: Annotated[str, Form(max_length=80)] = "") -> Response:
    """A new draft: blank, from the catalog, or from a version of the institution's own."""
    return visit.once(
        lambda: _see(_at(product_draft.start(visit.tx, visit.actor, _source(source)), "basics"))
    )


def _source(text: str) -> UUID | str | None:
    try:
        return UUID(text)
    except ValueError:
        return text or None


@router.post("/bank/products/drafts/bring")
def bring(visit: Edits, file: Annotated[UploadFile, File()]) -> Response:
    """A new draft from a product file."""
    data, name = file.file.read(MOST_BYTES + 1), file.filename or "-"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail("BWB-FILE", name, detail="UTF-8", limit=f"{MOST_BYTES:,} bytes")
    if len(data) > MOST_BYTES:
        fail("BWB-FILE", name, detail=f"> {MOST_BYTES:,} bytes", limit=f"{MOST_BYTES:,} bytes")
    return visit.once(lambda: _see(_at(product_draft.bring(visit.tx, visit.actor, text))))


# a step ---------------------------------------------------------------------------------------------


@router.get("/bank/products/drafts/{draft_id}")
def draft_page(visit: Edits, draft_id: UUID) -> Response:
    """The whole draft: what is wrong, what changed, its text, and the way on."""
    draft = product_draft.draft(visit.tx, draft_id)
    looked = examine(draft.text)
    before = _before(visit, looked)
    lines = [(BY_ID.get(step_of(fault)), fault) for fault in looked.faults]
    return visit.page(
        "bank_product_review.html",
        d=draft,
        looked=looked,
        marks=_marks(draft, looked),
        faults=lines,
        before=before,
        changes=[] if before is None else _changes(before, looked.data),
        costs=costs_of(looked.data),
        ways=REPAYMENTS,
        here_step=REVIEW,
    )


def _before(visit: Visit, looked: Findings) -> Product | None:
    return product_draft.version_before(visit.tx, own_institution(visit), str(looked.data.get("id", "")))


def _changes(before: Product, data: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    told_changes = changes(before.raw, data)
    return [
        (" / ".join(map(str, path)), shown("text", old), shown("text", new))
        for path, old, new in told_changes
        if path != ("version",)
    ]


@router.get("/bank/products/drafts/{draft_id}/review")
def review_page(visit: Edits, draft_id: UUID) -> Response:
    """The last page of the wizard."""
    return draft_page(visit, draft_id)


@router.get("/bank/products/drafts/{draft_id}/product.yaml")
def draft_file(visit: Edits, draft_id: UUID) -> Response:
    """The draft as a file."""
    draft = product_draft.draft(visit.tx, draft_id)
    return _file(draft.text, str(draft.data.get("id") or "product"), str(draft.data.get("version") or "0"))


def _file(text: str, name: str, version: str) -> Response:
    plain = "".join(c for c in f"{name}-{version}" if c.isascii() and (c.isalnum() or c in "_-."))
    headers = {"Content-Disposition": f'attachment; filename="{plain}.yaml"'}
    return Response(text, media_type="application/yaml", headers=headers)


@router.get("/bank/products/drafts/{draft_id}/trial")
def trial_page(visit: Edits, draft_id: UUID, on: Source = "sample") -> Response:
    """The draft on firms: who would pass, with what limits and at what rates, beside the version before."""
    draft = product_draft.draft(visit.tx, draft_id)
    looked = examine(draft.text)
    if looked.product is None:
        fail("LND-DRAFT-FAULTY-STATE", "product.yaml", faults=len(looked.faults), first=looked.faults[0].what)
    return _trial(visit, looked.product, _before(visit, looked), on, back=_at(draft_id))


def _trial(visit: Visit, product: Product, before: Product | None, on: Source, back: str) -> Response:
    asked: dict[str, Any] = {"p": product, "before": before, "on": on, "back": back}
    try:
        found = trial(visit.tx, product, before, on)
    except UserError as error:
        return visit.page("bank_product_trial.html", error=error, found=None, **asked)
    axes = Text(zh="额度（万元）", en="limit, 10k CNY"), Text(zh="年利率", en="rate a year")
    return visit.page(
        "bank_product_trial.html",
        error=None,
        found=found,
        figures=found.diff.figures,
        told=lambda count: told(count, found.least),
        limits=columns(Text(zh="批准额度分布", en="Limits of those who pass"), found.limits, axes[0]),
        rates=columns(Text(zh="批准利率分布", en="Rates of those who pass"), found.rates, axes[1]),
        **asked,
    )


@router.get("/bank/products/drafts/{draft_id}/{step_id}")
def step_page(visit: Edits, draft_id: UUID, step_id: str) -> Response:
    """One step of the wizard as it stands in the draft."""
    return _step_page(visit, product_draft.draft(visit.tx, draft_id), _step(step_id))


def _step(step_id: str) -> Step:
    step = BY_ID.get(step_id)
    if step is None:
        fail("LND-DRAFT-ABSENT", step_id)
    return step


def _step_page(visit: Visit, draft: Draft, step: Step) -> Response:
    looked = examine(draft.text)
    faults = [f for f in looked.faults if step_of(f) == step.id] if _seen(draft, step) else []
    more: dict[str, Any] = {}
    if step.id == "admission":
        used, free, own = product_pages.admission(looked.data, faults)
        named = {id(f) for choice in used for f in choice.faults}
        faults = [f for f in faults if id(f) not in named and not own_place(own, f.path)]
        more = {"used": used, "free": free, "own": own}
    if step.id == "limit":
        more = {"templates": product_pages.templates(looked.data), "limit": looked.data.get("limit") or {}}
    return visit.page(
        "bank_product_step.html",
        d=draft,
        step=step,
        views=product_pages.views(step, looked.data, faults),
        faults=left_over(step, faults),
        marks=_marks(draft, looked),
        here_step=step.id,
        lpr=published(today()),
        costs=costs_of(looked.data) if step.id in ("fees", "pricing") else None,
        ways=REPAYMENTS,
        inputs=library().inputs,
        **{"used": [], "free": [], "own": None, "templates": [], "limit": {}, **more},
    )


def own_place(own: Any, path: Sequence[str | int]) -> bool:  # noqa: ANN401 - a View
    """Whether a fault of admission is told at a rule of the product's own."""
    return len(path) > 2 and any(cell.faults for row in own.rows for cell in row)  # noqa: PLR2004 - admission, place, cell


@router.post("/bank/products/drafts/{draft_id}/cost")
def cost_part(visit: Edits, draft_id: UUID, form: Lists) -> Response:
    """The cost of the fees as typed so far, nothing saved: what the page asks for by itself."""
    draft = product_draft.draft(visit.tx, draft_id)
    data = product_pages.saved(BY_ID["fees"], draft.data, form)
    return visit.page("_product_costs.html", costs=costs_of(data), ways=REPAYMENTS)


@router.post("/bank/products/drafts/{draft_id}/text")
def save_text(
    visit: Edits, draft_id: UUID, revision: Revision, text: Annotated[str, Form(max_length=MOST_BYTES)]
) -> Response:
    """Save the whole text."""

    def work() -> Response:
        product_draft.change_text(visit.tx, draft_id, revision, text)
        return _see(_at(draft_id))

    return visit.once(work)


@router.post("/bank/products/drafts/{draft_id}/drop")
def drop(visit: Edits, draft_id: UUID) -> Response:
    """Give the draft up."""

    def work() -> Response:
        product_draft.drop(visit.tx, draft_id)
        return _see("/bank/products")

    return visit.once(work)


@router.post("/bank/products/drafts/{draft_id}/propose")
def propose(
    visit: Edits,
    draft_id: UUID,
    revision: Revision,
    quota_wan: Annotated[str, Form(max_length=12)] = "",
) -> Response:
    """Propose the product for release by a second person, within a quota a month (10,000 CNY)."""
    quota = amount({"quota": quota_wan}, "quota", str(draft_id))

    def work() -> Response:
        product_draft.propose(
            visit.tx, visit.actor, draft_id, revision, quota_cny=quota * WAN if quota else None
        )
        return _see("/bank/products")

    return visit.once(work)


@router.post("/bank/products/drafts/{draft_id}/{step_id}")
def save_step(visit: Edits, draft_id: UUID, step_id: str, revision: Revision, form: Lists) -> Response:
    """Save a step: on to the next where nothing is wrong with it, else back with the faults."""
    step = _step(step_id)

    def work() -> Response:
        draft = product_draft.change(
            visit.tx, draft_id, revision, step.id, lambda data: product_pages.saved(step, data, form)
        )
        faulty = any(step_of(f) == step.id for f in examine(draft.text).faults)
        return _see(_at(draft_id, step.id if faulty or "stay" in form else _after(step)))

    return visit.once(work)


def _after(step: Step) -> str:
    place = STEPS.index(step) + 1
    return STEPS[place].id if place < len(STEPS) else REVIEW


# versions -------------------------------------------------------------------------------------------


def _offer(visit: Visit, offer_id: UUID) -> Offered:
    offer = offered_product(visit.tx, offer_id)
    if offer.institution_id != own_institution(visit):
        fail("LND-PRODUCT-ABSENT", str(offer_id), product=offer_id, known="/bank/products")
    return offer


def _replaced(visit: Visit, offer: Offered) -> Product | None:
    """What a version waiting for release would take the place of."""
    before = product_draft.version_before(visit.tx, offer.institution_id, offer.product_id)
    return None if before == offer.product else before


@router.get("/bank/products/versions/{offer_id}")
def version_page(visit: Reads, offer_id: UUID) -> Response:
    """A version of the institution's: its text, and what is new about it."""
    offer = _offer(visit, offer_id)
    before = _replaced(visit, offer)
    return visit.page(
        "bank_product_version.html",
        o=offer,
        before=before,
        changes=[] if before is None else _changes(before, offer.product.raw),
        costs=costs_of(offer.product.raw),
        ways=REPAYMENTS,
    )


@router.get("/bank/products/versions/{offer_id}/product.yaml")
def version_file(visit: Reads, offer_id: UUID) -> Response:
    """The version as a file."""
    product = _offer(visit, offer_id).product
    return _file(product.text, product.id, product.version)


@router.get("/bank/products/versions/{offer_id}/trial")
def version_trial(visit: Reads, offer_id: UUID, on: Source = "sample") -> Response:
    """The version on firms, for the second person who decides on it."""
    offer = _offer(visit, offer_id)
    back = f"/bank/products/versions/{offer_id}"
    return _trial(visit, offer.product, _replaced(visit, offer), on, back=back)
