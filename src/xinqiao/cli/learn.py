"""The stage ``model`` of a run: training frames as of their dates, card, challenger, validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from xinqiao.cli.companies import LEAST_PEERS
from xinqiao.cli.settings import RunSettings
from xinqiao.indicator.definition import catalog, indicators
from xinqiao.indicator.lineage import Lineage
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.fitter import CardClassifier
from xinqiao.scoring.metrics import stability_of_values
from xinqiao.scoring.model import Model, peer_medians
from xinqiao.scoring.outcome import outcomes
from xinqiao.scoring.rejects import RejectInference
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.training import train
from xinqiao.scoring.validation import Validation, nested_oof, out_of_time
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

SIGNS = {"+": 1, "-": -1, "~": 0}
MIN_BADS = 10
FOLDS, REPEATS, SEED = 5, 5, 0


Groups = Mapping[str, str | None]
"""Company -> peer group, None for those compared with everyone."""


@dataclass(frozen=True, slots=True)
class Dates:
    """``final``: the snapshot of the model in use; ``earlier``: one to train at and test on ``final``."""

    final: date
    earlier: date | None
    others: tuple[date, ...]

    @property
    def all(self) -> tuple[date, ...]:
        """Every date at which indicators are needed to learn, ascending."""
        return tuple(sorted({self.final, *self.others, *([self.earlier] if self.earlier else [])}))


def learning_dates(as_of: date, settings: RunSettings) -> Dates:
    """Snapshots for training and validation so that outcomes are known by ``as_of``.

    Dated outcomes need one performance period between the final snapshot and ``as_of``; the
    earlier snapshot lies one more period back, so that the two outcome periods do not overlap.
    """
    others = tuple(day for day in settings.validate_as_of if day < as_of)
    if settings.performance_months is None:
        return Dates(as_of, None, others)
    final = add_months(as_of, -settings.performance_months)
    return Dates(final, add_months(final, -settings.performance_months), others)


@dataclass(frozen=True, slots=True)
class Sample:
    """Indicators and outcomes of the companies whose outcome is known, at one date."""

    as_of: date
    companies: list[str]
    X: pd.DataFrame
    y: np.ndarray[tuple[int], np.dtype[np.float64]]


class Learner:
    """Learns from the snapshots in ``read`` (date -> Snapshot) and the outcomes in ``lake``."""

    def __init__(
        self,
        lake: Lake,
        read: Callable[[date], Snapshot],
        settings: RunSettings,
        as_of: date,
        groups: Groups,
    ) -> None:
        self.lake = lake
        self.read = read
        self.settings = settings
        self.as_of = as_of
        self.groups = groups
        self.signs = {i.id: SIGNS[i.direction] for i in indicators().values()}

    def sample(self, day: date) -> Sample:
        """Indicators at ``day`` beside the outcomes after it."""
        known = outcomes(self.lake, day, self.as_of, self.settings.performance_months)
        frame = self.read(day).frame()
        companies = [c for c in frame.index if c in known]
        y = np.array([known[c] for c in companies], dtype=np.float64)
        return Sample(day, companies, frame.loc[companies].reset_index(drop=True), y)

    def card(self, sample: Sample) -> CardClassifier:
        """The champion, unfitted; what it may assume of those without outcome is in the settings."""
        card = Scorecard(signs=self.signs, random_state=SEED)
        if self.settings.reject_odds is None:
            return card
        others = self.read(sample.as_of).frame().drop(index=sample.companies)
        return RejectInference(card, rejected=others, odds=self.settings.reject_odds)

    def trees(self) -> BoostedTrees:
        """The challenger, unfitted."""
        return BoostedTrees(signs=self.signs, random_state=SEED)

    def learn(self, folder: Path, step: Callable[[str], None]) -> None:
        """Write model.json, challenger.json, validation.json and sample.parquet into ``folder``."""
        dates = learning_dates(self.as_of, self.settings)
        final = self.sample(dates.final)
        if final.y.sum() == 0:
            fail("RUN-NO-OUTCOMES", str(self.lake.root))
        step("scorecard")
        model = train(
            final.X,
            final.y,
            signs=self.signs,
            outcome_derived=outcome_fields(),
            derived_from=contract_fields(),
            estimator=self.card(final),
            target="credit.defaulted",
            as_of=dates.final.isoformat(),
            folds=FOLDS,
            repeats=REPEATS,
            seed=SEED,
        )
        (folder / "model.json").write_bytes(with_peers(model, self.read(self.as_of), self.groups).to_json())
        step("challenger")
        (folder / "challenger.json").write_bytes(self.trees().fit(final.X, final.y).to_json())
        (folder / "validation.json").write_bytes(canonical_json(self._validate(dates, final, model, step)))
        sample = pd.DataFrame({"company_id": final.companies, "bad": final.y.astype("int8")})
        sample.to_parquet(folder / "sample.parquet", index=False)

    def _validate(
        self, dates: Dates, final: Sample, model: Model, step: Callable[[str], None]
    ) -> list[dict[str, object]]:
        found = [_result("champion", dates.final, model.validation)]
        found.append(_result("challenger", dates.final, self._nested(self.trees, final)))
        for day in dates.others:
            step(day.isoformat())
            sample = self.sample(day)
            if _enough(sample):
                found.append(_result("champion", day, self._nested(partial(self.card, sample), sample)))
                found.append(_result("challenger", day, self._nested(self.trees, sample)))
        if dates.earlier is not None:
            step(dates.earlier.isoformat())
            found += self._out_of_time(self.sample(dates.earlier), final)
        return found

    def _nested(self, make: Callable[[], object], sample: Sample) -> Validation:
        return nested_oof(make, sample.X, sample.y, folds=FOLDS, repeats=REPEATS, seed=SEED)

    def _out_of_time(self, earlier: Sample, final: Sample) -> list[dict[str, object]]:
        """Train at the earlier snapshot, test at the later one: what a model in use would have met."""
        if not _enough(earlier):
            return []
        card, trees = self.card(earlier).fit(earlier.X, earlier.y), self.trees().fit(earlier.X, earlier.y)
        shift = stability_of_values(card.decision_function(earlier.X), card.decision_function(final.X))
        first = _result("champion", final.as_of, out_of_time(card, final.X, final.y))
        second = _result("challenger", final.as_of, out_of_time(trees, final.X, final.y))
        trained = {"trained_at": earlier.as_of.isoformat()}
        return [first | trained | {"stability_index": shift}, second | trained]


def with_peers(model: Model, snapshot: Snapshot, groups: Groups) -> Model:
    """``model`` comparing companies with the medians of ``snapshot``, of all indicators."""
    frame = snapshot.frame()
    peers = peer_medians(frame, [groups.get(key) for key in frame.index], LEAST_PEERS)
    return model.model_copy(update={"peers": peers})


def _enough(sample: Sample) -> bool:
    """Whether both outcomes are frequent enough for folds to hold some of each."""
    bads = int(sample.y.sum())
    return min(bads, len(sample.y) - bads) >= MIN_BADS


def _result(role: str, day: date, validation: Validation | None) -> dict[str, object]:
    dumped = validation.model_dump(mode="json") if validation else None
    return {"role": role, "as_of": day.isoformat(), "validation": dumped}


def outcome_fields() -> set[str]:
    """``contract.field`` of every contract field that is derived from outcomes."""
    return {f"{c.id}.{name}" for c in contracts().values() for name, f in c.fields.items() if f.outcome}


def contract_fields() -> dict[str, frozenset[str]]:
    """Indicator -> the contract fields it rests on."""
    lineage = Lineage(catalog())
    return {i.id: lineage.of_indicator(i) for i in indicators().values()}
