"""The model bundle: cards, calibration, master scale, peer medians and validation in one JSON.

A model has one card for everyone, or routes: a card a segment, its overlays by industry. Version 1 of
the format has no routes; a model without routes is written as version 1 still, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.scoring.calibration import Calibration
from xinqiao.scoring.card import Card, Contribution, Frozen, Value
from xinqiao.scoring.columns import Column, Columns, Floats, is_text, read_columns
from xinqiao.scoring.compiled import Reference, compile_card, score
from xinqiao.scoring.overlay import Overlay, deepest, overlaid, texts
from xinqiao.scoring.rating import MasterScale
from xinqiao.scoring.reasons import Described, Reason, reasons
from xinqiao.scoring.segment import FACTS, INDUSTRY, Router
from xinqiao.scoring.validation import Validation

DIGITS = 6
Places = NDArray[np.intp]


class Peers(Frozen):
    """Peer medians by variable (texts: the commonest value; None where nobody has a value).

    ``groups`` holds the medians of each peer group that is large enough, ``overall`` of everyone.
    """

    overall: dict[str, float | str | None] = Field(default_factory=dict)
    groups: dict[str, dict[str, float | str | None]] = Field(default_factory=dict)

    def of(self, group: str | None = None) -> Mapping[str, float | str | None]:
        """The medians of ``group``, or of everyone when the group is unknown or too small."""
        return self.groups.get(group, self.overall) if group is not None else self.overall


class Score(Frozen):
    """What a model says of one company; segment and overlay (an industry) of a model with routes."""

    points: float
    pd: float
    grade: str
    contributions: tuple[Contribution, ...]
    segment: str | None = None
    overlay: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a model that scores a company: one card and its calibration."""

    card: Card
    calibration: Calibration
    segment: str | None = None
    overlay: str | None = None


class Route(Frozen):
    """How the companies of one segment are scored.

    ``when`` is the segment's condition as the model was trained, None for everyone left. ``fallback``:
    the segment whose card this is, or general, where outcomes were too few for a card of its own.
    """

    segment: str
    name: Text
    when: str | None
    fallback: str | None = None
    card: Card
    calibration: Calibration = Calibration()
    overlays: tuple[Overlay, ...] = ()
    validation: Validation | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Route:
        codes = [overlay.industry for overlay in self.overlays]
        if len(set(codes)) < len(codes):
            message = f"segment {self.segment}: two overlays of one industry"
            raise ValueError(message)
        for overlay in self.overlays:
            overlay.on(self.card)  # fits its bins
        return self

    @cached_property
    def cards(self) -> dict[str | None, Card]:
        """Overlay's industry -> its card; None -> the segment's card."""
        return {None: self.card, **{overlay.industry: overlay.on(self.card) for overlay in self.overlays}}

    @cached_property
    def codes(self) -> frozenset[str]:
        """The industries that have an overlay."""
        return frozenset(overlay.industry for overlay in self.overlays)

    def part(self, overlay: str | None) -> Part:
        """The part with the overlay of an industry; raises KeyError."""
        return Part(self.cards[overlay], self.calibration, self.segment, overlay)


class Model(Frozen):
    """Everything needed to score, rate and explain; nothing else is needed years later.

    With ``routes`` each company is scored by the first whose condition it meets, and ``card`` is the
    general card of all companies, kept to compare with and to fall back on.
    """

    format: Literal["xinqiao.model"] = "xinqiao.model"
    version: Literal[1, 2] = 1
    card: Card
    calibration: Calibration = Calibration()
    scale: MasterScale
    peers: Peers = Peers()
    validation: Validation | None = None
    routes: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _routed(self) -> Model:
        if (self.version == 2) != bool(self.routes):  # noqa: PLR2004 - the version that has routes
            message = "a model with routes is of version 2, one without of version 1"
            raise ValueError(message)
        if self.routes and (self.routes[-1].when is not None or len({*self._ids}) < len(self._ids)):
            message = "the last route, and only it, takes everyone left; each segment has one route"
            raise ValueError(message)
        _ = self._router
        return self

    @property
    def _ids(self) -> tuple[str, ...]:
        return tuple(route.segment for route in self.routes)

    @cached_property
    def _router(self) -> Router:
        return Router([route.when for route in self.routes], [f"model {name}" for name in self._ids])

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """The facts beside indicators that scoring reads: none for a model without routes."""
        return FACTS if self.routes else ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every indicator that some company is scored by."""
        cards = (self.card,) if not self.routes else tuple(route.card for route in self.routes)
        return tuple(dict.fromkeys(name for card in cards for name in card.names))

    def part_named(self, segment: str | None, overlay: str | None = None) -> Part:
        """The part with these names, as a decision record has them; None, None: the general card.

        Raises KeyError.
        """
        return self.route(segment).part(overlay) if segment is not None else Part(self.card, self.calibration)

    def route(self, segment: str) -> Route:
        """The route of a segment; raises KeyError."""
        return {route.segment: route for route in self.routes}[segment]

    def part(self, row: Mapping[str, Value]) -> Part:
        """The part that scores ``row``. Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE."""
        if not self.routes:
            return Part(self.card, self.calibration)
        absent = [name for name in FACTS if name not in row]
        if absent:
            fail("SCR-COLUMN-ABSENT", "row", columns=", ".join(absent))
        route = self.routes[self._router.of_row(row)]
        code = row[INDUSTRY]
        return route.part(deepest(code if isinstance(code, str) else None, route.codes))

    def pd_of(self, points: float, part: Part | None = None) -> float:
        """PD (0..1) of ``points`` under ``part`` (the general card), within the scale's floor and cap."""
        given = part or Part(self.card, self.calibration)
        return self.scale.bounded(given.calibration.pd(given.card.log_odds(points)))

    def score_one(self, row: Mapping[str, Value]) -> Score:
        """Score one company; ``row`` holds every variable of its card (None = missing), and ``facts``.

        Raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE, SCR-INFINITE.
        """
        part = self.part(row)
        card = part.card
        ready = compile_card(card)
        codes = ready.code_one(row)
        units = ready.units_one(codes)
        points = (ready.base + sum(units)) / card.unit
        pairs = zip(card.variables, codes, units, strict=True)
        given = tuple(Contribution(v.name, row[v.name], v.bins[c].label, u / card.unit) for v, c, u in pairs)
        pd_value = self.pd_of(points, part)
        return Score(
            points=points,
            pd=pd_value,
            grade=self.scale.grade(pd_value),
            contributions=given,
            segment=part.segment,
            overlay=part.overlay,
        )

    def score_frame(self, X: object) -> pa.Table:
        """Table (points, pd: float64, grade: string), one row per row of the frame ``X``.

        With routes also ``segment`` and ``overlay`` (null: the segment's own card). Equal to
        ``score_one`` bit for bit: PD and grade are worked out once per distinct score of a calibration.
        """
        columns = read_columns(X)
        if not self.routes:
            points = score(self.card, columns)
            return pa.table(self._rated(points, Part(self.card, self.calibration)))
        tables, order = [], []
        for route, rows, points, place in self._routed_points(columns):
            codes = pa.array([*(o.industry for o in route.overlays), None], pa.string())
            named = {
                "segment": pa.array([route.segment] * len(rows), pa.string()),
                "overlay": codes.take(pa.array(np.where(place < 0, len(route.overlays), place))),
            }
            tables.append(pa.table(self._rated(points, route.part(None)) | named))
            order.append(rows)
        return pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(order))))

    def _routed_points(self, columns: Columns) -> Iterator[tuple[Route, Places, Floats, Places]]:
        """Every route, its rows, their points and the places of their overlays (-1: none)."""
        columns.select(FACTS)  # says which are absent
        place = self.route_places(columns)
        for i, route in enumerate(self.routes):
            rows = np.flatnonzero(place == i)
            inside = columns.take(rows)
            yield route, rows, *overlaid(route.card, route.overlays, inside, texts(inside, INDUSTRY))

    def route_places(self, X: object) -> Places:
        """Place of each row's route, shape (rows,). Raises UserError as ``part`` does."""
        return self._router.of_columns(read_columns(X))

    def claimed(self, X: object) -> Floats:
        """Log odds of default that the scale claims, before calibration and bounds, shape (rows,)."""
        columns = read_columns(X)
        if not self.routes:
            points = score(self.card, columns)
            return np.asarray((self.card.scale.offset - points) / self.card.scale.factor)
        out = np.empty(columns.rows)
        for route, rows, points, _ in self._routed_points(columns):
            out[rows] = (route.card.scale.offset - points) / route.card.scale.factor
        return out

    def _rated(self, points: Floats, part: Part) -> dict[str, pa.Array]:
        distinct, place = np.unique(points, return_inverse=True)
        pds = [self.pd_of(p, part) for p in distinct.tolist()]
        grades = np.asarray([self.scale.grade(p) for p in pds], dtype=object)
        return {
            "points": pa.array(points, pa.float64()),
            "pd": pa.array(np.asarray(pds, dtype=np.float64)[place], pa.float64()),
            "grade": pa.array(grades[place], pa.string()),
        }

    def decision_function(self, X: object) -> Floats:
        """Log odds of default by the calibrated PD, shape (rows,)."""
        p = self.score_frame(X)["pd"].to_numpy()
        out: Floats = np.log(p) - np.log1p(-p)
        return out

    def reasons(
        self,
        row: Mapping[str, Value],
        described: Mapping[str, Described],
        *,
        group: str | None = None,
        reference: Reference = "peer",
        limit: int = 4,
        direction: Literal["lost", "gained"] = "lost",
    ) -> tuple[Reason, ...]:
        """Reasons for one company's score against its peers; see ``reasons.reasons``."""
        peers, card = self.peers.of(group), self.part(row).card
        return reasons(card, row, described, peers, reference=reference, limit=limit, direction=direction)

    def to_json(self) -> bytes:
        """Canonical JSON: the same model always gives the same bytes."""
        return canonical_json(self.model_dump(mode="json", exclude=None if self.routes else {"routes"}))

    @classmethod
    def from_json(cls, data: bytes | str) -> Model:
        """Read a model. Raises UserError SCR-CARD-FORMAT."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            fault = error.errors()[0]
            detail = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            raise user_error("SCR-CARD-FORMAT", "model", detail=detail) from error

    @property
    def model_id(self) -> str:
        """SHA-256 of the canonical JSON."""
        return digest(self.to_json())


def peer_medians(X: object, groups: Sequence[str | None] | None = None, least: int = 10) -> Peers:
    """Medians of every column of ``X``, overall and per group of at least ``least`` companies."""
    columns = read_columns(X)
    found: dict[str, dict[str, float | str | None]] = {}
    if groups is not None:
        labels = np.asarray(groups, dtype=object)
        for label in sorted({g for g in groups if g is not None}):
            inside = labels == label
            if inside.sum() >= least:
                found[label] = _medians(columns, inside)
    return Peers(overall=_medians(columns, np.ones(columns.rows, dtype=bool)), groups=found)


def _medians(columns: Columns, rows: NDArray[np.bool_]) -> dict[str, float | str | None]:
    pairs = zip(columns.names, columns.data, strict=True)
    return {name: _middle(values[rows]) for name, values in pairs}


def _middle(values: Column) -> float | str | None:
    present = values[~pd.isna(values)]
    if len(present) == 0:
        return None
    if is_text(values):
        texts, counts = np.unique(present.astype(str), return_counts=True)
        return str(texts[np.argmax(counts)])
    return round(float(np.median(present)), DIGITS)
