"""The bank's own card: points over its own columns and the platform's indicators, on top of our points.

Added points move the log odds by the card's scale: ``pdo`` points double the odds of paying back. The card
is used after a second person agreed, and validated on the bank's own outcomes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.lending.own_data import facts_of, in_use
from xinqiao.scoring.card import MISSING, OTHER, Bin, Card, Contribution, Value, Variable
from xinqiao.scoring.rating import master_scale

HEAD = ("variable", "low", "high", "words", "points")
MOST_BYTES = 1 << 20
TEMPLATE = (
    "variable,low,high,words,points\n"
    "日均存款,,50000,,-12\n日均存款,50000,300000,,0\n日均存款,300000,,,15\n日均存款,,,missing,-5\n"
    "客户分层,,,普通,0\n客户分层,,,重点 战略,10\n客户分层,,,other,0\n客户分层,,,missing,0\n"
)
"""A points table as banks keep them; ``words`` are set apart by spaces."""


@dataclass(frozen=True, slots=True)
class OwnCard:
    """A card of the bank; used from the second person's agreement on."""

    id: UUID
    institution: UUID
    file_name: str
    body: str
    made_by: UUID
    made_name: str
    made_at: datetime
    decided_by: UUID | None
    decided_name: str | None
    decided_at: datetime | None
    in_use: bool

    @property
    def card(self) -> Card:
        """What it says."""
        return _card(self.body)


@dataclass(frozen=True, slots=True)
class OwnPoints:
    """What the bank's card adds for one company."""

    points: float
    contributions: tuple[Contribution, ...]


@lru_cache(maxsize=32)
def _card(body: str) -> Card:
    return Card.from_json(body)


def read_card(data: bytes, name: str) -> Card:
    """A card of JSON (xinqiao.card) or a points table in CSV. Raises UserError BWB-CARD, SCR-CARD-FORMAT."""
    if len(data) > MOST_BYTES:
        fail("BWB-CARD", name, detail=f"> {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        fail("BWB-CARD", name, detail="UTF-8")
    return Card.from_json(text) if text.lstrip().startswith("{") else _table(text, name)


def _table(text: str, name: str) -> Card:
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != HEAD:
        fail("BWB-CARD", f"{name}:1", detail=", ".join(HEAD))
    found: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for row in reader:
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        if any(cells.values()):
            found.setdefault(cells["variable"], []).append((reader.line_num, cells))
    base = found.pop("base", [])
    if not found:
        fail("BWB-CARD", name, detail="没有变量 no variable")
    points = sum(_number(cells["points"], f"{name}:{line}") or 0.0 for line, cells in base)
    variables = tuple(_variable(variable, rows, name) for variable, rows in found.items())
    return Card(base_points=points, digits=2, variables=variables)


def _variable(variable: str, rows: Sequence[tuple[int, dict[str, str]]], name: str) -> Variable:
    special = {"missing": Bin(kind="missing", label=MISSING), "other": Bin(kind="other", label=OTHER)}
    ranges: list[tuple[float, float, float, int]] = []
    groups: list[tuple[tuple[str, ...], float]] = []
    for line, cells in rows:
        where = f"{name}:{line}"
        points = _number(cells["points"], where)
        if points is None:
            fail("BWB-CARD", where, detail="points")
        if cells["words"] in special:
            special[cells["words"]] = special[cells["words"]].model_copy(update={"points": points})
        elif cells["words"]:
            groups.append((tuple(cells["words"].split()), points))
        else:
            low, high = (_number(cells[side], where) for side in ("low", "high"))
            ranges.append(
                (-math.inf if low is None else low, math.inf if high is None else high, points, line)
            )
    if bool(ranges) == bool(groups):
        fail("BWB-CARD", f"{name}:{rows[0][0]}", detail=f"{variable}: low/high 或 or words")
    if groups:
        bins = [
            Bin(kind="category", label=_words("、".join(words)), points=points) for words, points in groups
        ]
        bins += [special["other"], special["missing"]]
        categories = tuple(words for words, _ in groups)
        return Variable(name=variable, kind="categorical", categories=categories, bins=tuple(bins))
    ranges.sort()
    ends = [-math.inf, *(high for _, high, _, _ in ranges)]
    if [low for low, _, _, _ in ranges] != ends[:-1] or ends[-1] != math.inf:
        detail = f"{variable}: 区间须首尾相接，首尾各留空 ranges join; first low and last high stay blank"
        fail("BWB-CARD", f"{name}:{ranges[0][3]}", detail=detail)
    bins = [Bin(kind="range", label=_range(low, high), points=points) for low, high, points, _ in ranges]
    return Variable(name=variable, edges=tuple(ends[1:-1]), bins=(*bins, special["missing"]))


def _range(low: float, high: float) -> Text:
    ends = ["" if math.isinf(end) else f"{end:,.10g}" for end in (low, high)]
    return _words(
        f"< {ends[1]}" if not ends[0] else f">= {ends[0]}" if not ends[1] else f"{ends[0]} – {ends[1]}"
    )


def _words(text: str) -> Text:
    return Text(zh=text, en=text)


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        fail("BWB-CARD", where, detail=repr(text))
    return value


def propose(tx: Tx, actor: Actor, data: bytes, name: str) -> UUID:
    """Keep a card for a second person to agree to. Raises UserError BWB-CARD, SCR-CARD-FORMAT."""
    card = read_card(data, name)
    own = in_use(tx)
    known = dict.fromkeys(indicators(), "number") | (own.columns if own else {})
    for variable in card.variables:
        wanted = "text" if variable.kind == "categorical" else "number"
        if known.get(variable.name) != wanted:
            detail = f"{variable.name}: {known.get(variable.name, '没有这一列 no such column')} ≠ {wanted}"
            fail("BWB-CARD", name, detail=detail)
    made = new_id()
    tx.execute(
        "INSERT INTO bank_card (id, institution, file_name, body, made_by, made_name, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [made, actor.institution, name[:200], card.to_json().decode(), actor.person, actor.name, now()],
    )
    return made


def agree(tx: Tx, actor: Actor, card_id: UUID) -> None:
    """Use a card from now on. Raises UserError BWB-ABSENT, BWB-SELF-FORBIDDEN."""
    found = one(tx, card_id)
    if found.made_by == actor.person:
        fail("BWB-SELF-FORBIDDEN", found.file_name)
    stop(tx, actor)
    tx.execute(
        "UPDATE bank_card SET in_use = true, decided_by = %s, decided_name = %s, decided_at = %s "
        "WHERE id = %s",
        [actor.person, actor.name, now(), card_id],
    )


def stop(tx: Tx, actor: Actor) -> None:
    """Use no own card from now on."""
    tx.execute("UPDATE bank_card SET in_use = false WHERE institution = %s AND in_use", [actor.institution])


def one(tx: Tx, card_id: UUID) -> OwnCard:
    """A card. Raises UserError BWB-ABSENT."""
    row = tx.execute("SELECT * FROM bank_card WHERE id = %s", [card_id]).fetchone()
    if row is None:
        fail("BWB-ABSENT", str(card_id), what="评分卡 card")
    return OwnCard(**row)


def cards(tx: Tx) -> list[OwnCard]:
    """All cards, the newest first."""
    return [OwnCard(**row) for row in tx.execute("SELECT * FROM bank_card ORDER BY made_at DESC LIMIT 20")]


def current(tx: Tx, institution: UUID) -> OwnCard | None:
    """The card in use, if there is one."""
    row = tx.execute("SELECT * FROM bank_card WHERE institution = %s AND in_use", [institution]).fetchone()
    return None if row is None else OwnCard(**row)


def points(card: Card, values: Mapping[str, float | None], own: Mapping[str, float | str]) -> OwnPoints:
    """What ``card`` adds for the indicators ``values`` and the bank's own facts."""
    row: dict[str, Value] = {v.name: _fact(v, own.get(v.name, values.get(v.name))) for v in card.variables}
    return OwnPoints(card.score_one(row), card.contributions(row))


def _fact(variable: Variable, value: Value) -> Value:
    """A fact of another type (a column whose texts became numbers in a later upload) is not known."""
    return value if value is None or isinstance(value, str) == (variable.kind == "categorical") else None


def points_of(
    tx: Tx, institution: UUID, company_id: str, values: Mapping[str, float | None]
) -> OwnPoints | None:
    """What the bank's card in use adds for a company; None without a card."""
    found = current(tx, institution)
    if found is None:
        return None
    return points(found.card, values, facts_of(tx, institution, [company_id]).get(company_id, {}))


def on_top(score: Mapping[str, Any], card: Card, added: OwnPoints) -> dict[str, Any]:
    """Our score with the bank's points on top: points, pd and grade of both together.

    A grade given for a default stays.
    """
    scale = master_scale()
    pd = min(max(float(score["pd"]), 1e-9), 1 - 1e-9)
    odds = math.log(pd / (1 - pd)) - added.points / card.scale.factor
    joint = round(scale.bounded(1 / (1 + math.exp(-odds))), 9)
    grade = score["grade"] if score["grade"] == scale.default.id else scale.grade(joint)
    return {**score, "points": float(score["points"]) + added.points, "pd": joint, "grade": grade}
