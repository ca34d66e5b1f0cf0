"""The stage ``model`` of a run: training frames as of their dates, card, challenger, validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xinqiao.indicator.definition import catalog, indicators
from xinqiao.indicator.lineage import Lineage
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.run.companies import LEAST_PEERS, companies, with_facts
from xinqiao.run.settings import RunSettings
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.drift import Drift, Outcomes, shifts, vintages
from xinqiao.scoring.fitter import CardClassifier, OddsClassifier
from xinqiao.scoring.metrics import stability_of_values
from xinqiao.scoring.model import Model, peer_medians
from xinqiao.scoring.outcome import outcomes
from xinqiao.scoring.rejects import RejectInference
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.segment import FACTS
from xinqiao.scoring.segmented import SegmentedCard
from xinqiao.scoring.training import train
from xinqiao.scoring.validation import Validation, nested_oof, out_of_time
from xinqiao.source.contract import contracts
from xinqiao.source.lake import Lake

SIGNS = {"+": 1, "-": -1, "~": 0}
MIN_BADS = 10
FOLDS, REPEATS, SEED = 5, 5, 0
DRIFT = "drift.json"


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
    """Indicators, facts of the register and outcomes of the companies whose outcome is known, at one date."""

    as_of: date
    companies: list[str]
    X: pd.DataFrame
    y: Floats

    @property
    def plain(self) -> pd.DataFrame:
        """The indicators alone."""
        return self.X.drop(columns=list(FACTS))


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
        frame = with_facts(self.read(day).frame(), companies(self.lake, day))
        found = [c for c in frame.index if c in known]
        y = np.array([known[c] for c in found], dtype=np.float64)
        return Sample(day, found, frame.loc[found].reset_index(drop=True), y)

    def champion(self, sample: Sample) -> OddsClassifier:
        """The champion, unfitted."""
        if self.settings.model == "single":
            return self.card(sample)
        return SegmentedCard(self.card(sample), sources={i.id: i.source for i in indicators().values()})

    def frame(self, sample: Sample) -> pd.DataFrame:
        """What the champion learns from."""
        return sample.plain if self.settings.model == "single" else sample.X

    def card(self, sample: Sample) -> CardClassifier:
        """One card for everyone, unfitted; what it assumes of those without outcome is in the settings."""
        card = Scorecard(signs=self.signs, random_state=SEED)
        if self.settings.reject_odds is None:
            return card
        others = self.read(sample.as_of).frame().drop(index=sample.companies)
        return RejectInference(card, rejected=others, odds=self.settings.reject_odds)

    def trees(self) -> BoostedTrees:
        """The challenger, unfitted."""
        return BoostedTrees(signs=self.signs, random_state=SEED)

    def learn(self, folder: Path, step: Callable[[str], None]) -> None:
        """Write model, challenger, validation and drift as JSON and sample.parquet into ``folder``."""
        dates = learning_dates(self.as_of, self.settings)
        final = self.sample(dates.final)
        if final.y.sum() == 0:
            fail("RUN-NO-OUTCOMES", str(self.lake.root))
        step("scorecard")
        model = self._trained(final)
        (folder / "model.json").write_bytes(with_peers(model, self.read(self.as_of), self.groups).to_json())
        step("challenger")
        (folder / "challenger.json").write_bytes(self.trees().fit(final.plain, final.y).to_json())
        (folder / "validation.json").write_bytes(canonical_json(self._validate(dates, final, model, step)))
        (folder / DRIFT).write_bytes(canonical_json(self._drift(dates, final, model)))
        sample = pd.DataFrame({"company_id": final.companies, "bad": final.y.astype("int8")})
        sample.to_parquet(folder / "sample.parquet", index=False)

    def _drift(self, dates: Dates, final: Sample, model: Model) -> dict[str, Any] | None:
        """The model's companies at its own date and now, and its vintages; None where both are one day."""
        if dates.final == self.as_of:
            return None
        known = {dates.final.isoformat(): Outcomes(final.X, final.y, learned=True)}
        if dates.earlier is not None:
            earlier = self.sample(dates.earlier)
            known[dates.earlier.isoformat()] = Outcomes(earlier.X, earlier.y, learned=False)
        found = Drift(
            before=dates.final.isoformat(),
            after=self.as_of.isoformat(),
            shifts=shifts(model, self._everyone(dates.final), self._everyone(self.as_of)),
            vintages=vintages(model, known),
        )
        return found.model_dump(mode="json")

    def _everyone(self, day: date) -> pd.DataFrame:
        return with_facts(self.read(day).frame(), companies(self.lake, day)).reset_index(drop=True)

    def _trained(self, sample: Sample) -> Model:
        """The champion with its calibration and validation."""
        return train(
            self.frame(sample),
            sample.y,
            signs=self.signs,
            outcome_derived=outcome_fields(),
            derived_from=contract_fields(),
            estimator=self.champion(sample),
            target="credit.defaulted",
            as_of=sample.as_of.isoformat(),
            folds=FOLDS,
            repeats=REPEATS,
            seed=SEED,
        )

    def _validate(
        self, dates: Dates, final: Sample, model: Model, step: Callable[[str], None]
    ) -> list[dict[str, object]]:
        found = [_result("champion", dates.final, model.validation)]
        if model.routes:
            step("single card")
            found.append(
                _result("single", dates.final, self._nested(partial(self.card, final), final.plain, final.y))
            )
        found.append(_result("challenger", dates.final, self._nested(self.trees, final.plain, final.y)))
        for day in dates.others:
            step(day.isoformat())
            sample = self.sample(day)
            if _enough(sample):
                make = partial(self.champion, sample)
                found.append(_result("champion", day, self._nested(make, self.frame(sample), sample.y)))
                found.append(_result("challenger", day, self._nested(self.trees, sample.plain, sample.y)))
        if dates.earlier is not None:
            step(dates.earlier.isoformat())
            found += self._out_of_time(self.sample(dates.earlier), final)
        return found

    def _nested(self, make: Callable[[], object], X: pd.DataFrame, y: Floats) -> Validation:
        return nested_oof(make, X, y, folds=FOLDS, repeats=REPEATS, seed=SEED)

    def _out_of_time(self, earlier: Sample, final: Sample) -> list[dict[str, object]]:
        """Train at the earlier snapshot, test at the later one: what a model in use would have met."""
        if not _enough(earlier):
            return []
        before, after = self.frame(earlier), self.frame(final)
        card = self.champion(earlier).fit(before, earlier.y)
        trees = self.trees().fit(earlier.plain, earlier.y)
        shift = stability_of_values(card.decision_function(before), card.decision_function(after))
        trained = {"trained_at": earlier.as_of.isoformat()}
        found = [_result("champion", final.as_of, out_of_time(card, after, final.y)) | trained]
        found[0]["stability_index"] = shift
        if self.settings.model != "single":
            single = self.card(earlier).fit(earlier.plain, earlier.y)
            found.append(_result("single", final.as_of, out_of_time(single, final.plain, final.y)) | trained)
        found.append(_result("challenger", final.as_of, out_of_time(trees, final.plain, final.y)) | trained)
        return found


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
