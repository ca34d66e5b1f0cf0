"""The main job as stages: ingest, indicators, model, decisions, report.

Nothing in a result holds the time of day, so the same input gives the same bytes whether or not
the job was killed and run again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq

from xinqiao.city.generate import generate
from xinqiao.indicator.compute import compute, monthly
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.kernel.period import add_months
from xinqiao.policy.compiled import Policy
from xinqiao.policy.release import CHAMPION, Panel, Release
from xinqiao.policy.scorer import basis_of
from xinqiao.policy.store import DecisionStore
from xinqiao.policy.versions import policy_on
from xinqiao.portrait.build import Portrait, build
from xinqiao.run.companies import Company, companies, last_event, records
from xinqiao.run.deciding import decide_all
from xinqiao.run.learn import DRIFT, Learner, learning_dates, with_peers
from xinqiao.run.material import Material
from xinqiao.run.pages import write_pages
from xinqiao.run.settings import RunSettings, code_digest, run_settings
from xinqiao.run.stages import stage
from xinqiao.scoring.drift import Drift
from xinqiao.scoring.model import Model
from xinqiao.source.ingest import IngestReport, ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import Mapping, load_mapping

DEMO_AS_OF = date(2025, 12, 31)
DEMO_COMPANIES = 2000
DEMO_MONTHS = 48
DEMO_START = date(2022, 1, 1)
SERIES_MONTHS = 24
REACH_MONTHS = 3
"""Months a date may lie beyond the last invoice."""


class Progress(Protocol):
    """Tells a person what is going on."""

    def step(self, name: str, done: int = 0, total: int = 0) -> None:
        """Work ``name`` has come to ``done`` of ``total`` (0: unknown)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the raw files are and what they mean."""

    data: Path
    mapping: Mapping
    origin: str


def generated_source(out: Path, seed: int, progress: Progress, count: int = DEMO_COMPANIES) -> Source:
    """The generated region of ``count`` firms, written below ``out`` unless it stands there."""
    told = {"companies": count, "months": DEMO_MONTHS, "seed": seed, "code": code_digest("city")}

    def work(folder: Path) -> None:
        generate(
            folder,
            companies=count,
            months=DEMO_MONTHS,
            start=DEMO_START,
            seed=seed,
            progress=lambda done, total: progress.step("city", done, total),
        )

    stage(out / "city", told, work)
    path = Path(str(files("xinqiao").joinpath("catalog", "mappings", "city.yaml")))
    return Source(out / "city" / "data", load_mapping(path), path.name)


class Job:
    """One run into the folder ``out``, as of ``as_of``."""

    def __init__(
        self,
        out: Path,
        source: Source,
        as_of: date,
        progress: Progress,
        model: Path | None = None,
        *,
        release: Release | None = None,
    ) -> None:
        self.out = out
        self.source = source
        self.as_of = as_of
        self.progress = progress
        self.release = release
        self.own_models = {} if release is None else release.model_files()
        self.given_model = model or self.own_models.pop(CHAMPION, None)
        self.settings: RunSettings = run_settings(source.mapping, source.origin)
        self.lake = Lake(out / "lake")
        self.code = code_digest()
        self.keys: dict[str, str] = {}

    def run(self) -> IngestReport:
        """All stages in order; raises UserError where the user has something to mend."""
        report = self.prepare()
        self.pages(report)
        return report

    def prepare(self) -> IngestReport:
        """All stages but the pages: what a platform that makes its own pages needs."""
        self.policy()  # what can be wrong is found before the long work begins
        for model in (self.given_model, *self.own_models.values()):
            if model is not None:
                _read(model)
        report = self.ingest()
        self._check_reach()
        self.indicators()
        self.portrait()
        self.model()
        self.decisions()
        return report

    def policy(self) -> Policy:
        """The policy in use. Raises UserError when it is unknown, faulty or not in force."""
        return self.policies()[CHAMPION]

    def policies(self) -> dict[str, Policy]:
        """The policy of every arm: of the champion alone, or of all in the release."""
        units = {i.id: i.unit.id for i in indicators().values()}
        if self.release is not None:
            return self.release.policies(self.as_of, self.source.origin, units)
        return {CHAMPION: policy_on(self.settings.policy, self.as_of, self.source.origin, units)}

    def _check_reach(self) -> None:
        """Refuse a date long after the last invoice: every company would look as if it had stopped."""
        last = last_event(self.lake, "invoice")
        if last is not None and self.as_of > add_months(last, REACH_MONTHS):
            fail("RUN-BEYOND", "--as-of", as_of=self.as_of, source="invoice", last=last)

    # -- ingest

    def ingest(self) -> IngestReport:
        """Bring the lake to exactly what the data folder holds."""
        label = "ingest"
        report = ingest_folder(
            self.source.data,
            self.source.mapping,
            self.lake,
            lambda what, done, total: self.progress.step(f"{label} {what}", done, total),
        )
        self.lake.retain({file.manifest.slot for file in report.files})
        self.keys["lake"] = "+".join(sorted(file.manifest.id for file in report.files))
        return report

    # -- indicators

    def _needed_dates(self) -> tuple[date, ...]:
        learn = () if self.given_model else learning_dates(self.as_of, self.settings).all
        return tuple(sorted({self.as_of, *learn}))

    def indicators(self) -> None:
        """Indicators at the date of decision and at every date the model learns from."""
        wanted = self._needed_dates()
        for place, day in enumerate(wanted):
            self.progress.step("indicators", place, len(wanted))
            told = {"lake": self.keys["lake"], "as_of": day.isoformat(), "code": self.code}
            self.keys[day.isoformat()], _ = stage(
                self.out / "indicators" / day.isoformat(),
                told,
                lambda folder, day=day: compute(self.lake, day).write(folder),  # type: ignore[misc]  # mypy can't infer the bound default
            )
        self.progress.step("indicators", len(wanted), len(wanted))

    def snapshot(self, day: date) -> Snapshot:
        """The indicators of a date, from their stage."""
        return Snapshot.read(self.out / "indicators" / day.isoformat())

    # -- portrait

    def portrait(self) -> None:
        """Size class, tags, radar and forecast of every company at the date of decision."""
        self.progress.step("portrait")
        told = {
            "lake": self.keys["lake"],
            "indicators": self.keys[self.as_of.isoformat()],
            "code": self.code,
        }
        industries = {company.id: company.industry for company in self.companies}
        snapshot = self.snapshot(self.as_of)
        self.keys["portrait"], _ = stage(
            self.out / "portrait", told, lambda folder: build(folder, self.lake, snapshot, industries)
        )
        self.progress.step("portrait", 1, 1)

    # -- model

    def model(self) -> None:
        """Learn, or take the model that was given."""
        told: dict[str, Any] = {"code": self.code, "settings": self.settings.model_dump(mode="json")}
        if self.given_model is not None:
            given = Model.from_json(_read(self.given_model))
            told |= {"given": given.model_id, "peers": self.keys[self.as_of.isoformat()]}
            self.keys["model"], _ = stage(self.out / "model", told, lambda folder: self._take(folder, given))
            return
        told |= {day.isoformat(): self.keys[day.isoformat()] for day in self._needed_dates()}
        learner = Learner(self.lake, self.snapshot, self.settings, self.as_of, self.groups)
        self.keys["model"], _ = stage(
            self.out / "model",
            told,
            lambda folder: learner.learn(folder, lambda name: self.progress.step(f"model {name}")),
        )
        self.progress.step("model", 1, 1)

    def _take(self, folder: Path, given: Model) -> None:
        """Use a model trained elsewhere, with the peers of this run."""
        model = with_peers(given, self.snapshot(self.as_of), self.groups)
        (folder / "model.json").write_bytes(model.to_json())
        (folder / "validation.json").write_bytes(b"[]")

    @property
    def groups(self) -> dict[str, str | None]:
        """Company -> peer group."""
        return {company.id: company.peer_group for company in self.companies}

    @cached_property
    def learned(self) -> Model:
        """The model in use."""
        return Model.from_json((self.out / "model" / "model.json").read_bytes())

    # -- decisions

    @cached_property
    def companies(self) -> list[Company]:
        """The register as of the date."""
        found = companies(self.lake, self.as_of)
        if not found:
            fail("RUN-NO-COMPANIES", str(self.source.data), as_of=self.as_of)
        return found

    def decisions(self) -> None:
        """Decide on every company."""
        panel = self.panel()
        told = {
            "model": self.keys["model"],
            "indicators": self.keys[self.as_of.isoformat()],
            "arms": {arm: [basis.model_id, basis.policy.text] for arm, basis in panel.bases.items()},
            "release": None if self.release is None else self.release.text,
            "generated": self.source.mapping.generated,
            "code": self.code,
        }
        snapshot = self.snapshot(self.as_of)
        total, done = len(snapshot), 0

        def tick() -> None:
            nonlocal done
            done += 1
            self.progress.step("decisions", done, total)

        self.keys["decisions"], _ = stage(
            self.out / "decisions",
            told,
            lambda folder: decide_all(
                folder, panel, snapshot, self.companies, tick, generated=self.source.mapping.generated
            ),
        )
        self.progress.step("decisions", total, total)

    def panel(self) -> Panel:
        """All that decide: the champion, and the challengers of a release."""
        models = self.models
        bases = {arm: basis_of(models[arm], policy) for arm, policy in self.policies().items()}
        return Panel(bases, self.release)

    @cached_property
    def models(self) -> dict[str, Model]:
        """The model of every arm; an arm without one of its own scores as the champion does."""
        arms = (CHAMPION,) if self.release is None else self.release.arms
        snapshot = self.snapshot(self.as_of)
        own = {
            arm: with_peers(Model.from_json(_read(path)), snapshot, self.groups)
            for arm, path in self.own_models.items()
        }
        return {arm: own.get(arm, self.learned) for arm in arms}

    # -- pages

    def pages(self, report: IngestReport) -> None:
        """Write everything people read."""
        told = {
            "portrait": self.keys["portrait"],
            "decisions": self.keys["decisions"],
            "mapping": self.source.mapping.id,
            "code": self.code,
        }
        total = len(self.snapshot(self.as_of))
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self.progress.step("pages", done, total)

        def work(folder: Path) -> None:
            write_pages(folder, self.material(), report, tick)

        stage(self.out / "report", told, work)
        self.progress.step("pages", total, total)

    def material(self) -> Material:
        """What the pages show."""
        sample = _sample(self.out / "model")
        return Material(
            dataset=self.source.mapping.name,
            generated=self.source.mapping.generated,
            as_of=self.as_of,
            model=self.learned,
            model_id=self.learned.model_id,
            policy=self.policy(),
            models=self.models,
            policies=self.policies(),
            release=self.release,
            validation=json.loads((self.out / "model" / "validation.json").read_bytes()),
            sample=sample,
            sample_snapshot=self._sample_snapshot() if sample else None,
            sample_companies=companies(self.lake, learning_dates(self.as_of, self.settings).final)
            if sample
            else (),
            snapshot=self.snapshot(self.as_of),
            companies=self.companies,
            series=monthly(self.lake, self.as_of, SERIES_MONTHS),
            records=records(self.lake, self.as_of),
            decisions=DecisionStore(self.out / "decisions"),
            portrait=Portrait.read(self.out / "portrait"),
            horizon_months=self.settings.performance_months,
            drift=_drift(self.out / "model" / DRIFT),
        )

    def _sample_snapshot(self) -> Snapshot:
        """The indicators at the model's own date."""
        return self.snapshot(learning_dates(self.as_of, self.settings).final)


def _read(path: Path) -> bytes:
    """The bytes of a usable model; raises UserError SCR-CARD-FORMAT, which names the file."""
    try:
        data = path.read_bytes()
        Model.from_json(data)
    except OSError as error:
        raise user_error("SCR-CARD-FORMAT", str(path), detail=error.strerror or str(error)) from error
    except UserError as error:
        raise UserError(error.code, str(path), error.what, error.fix) from error
    return data


def _drift(path: Path) -> Drift | None:
    """The drift report of the model's stage; None for a given model, or where nothing can be compared."""
    data = path.read_bytes() if path.exists() else b"null"
    return None if data == b"null" else Drift.model_validate_json(data)


def _sample(folder: Path) -> dict[str, int]:
    """Company -> outcome of the training sample; empty for a given model."""
    path = folder / "sample.parquet"
    if not path.exists():
        return {}
    table = pq.read_table(path)
    return dict(zip(table["company_id"].to_pylist(), table["bad"].to_pylist(), strict=True))
