"""A run's results as credit files, for the platform to serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from xinqiao.db.database import SYSTEM, Database
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.period import add_months
from xinqiao.policy.release import CHAMPION
from xinqiao.portrait import build
from xinqiao.portrait.credit_file import CreditFile, Edge, Month, Register, Value, publish
from xinqiao.relation.leads.find import find_leads
from xinqiao.run.companies import Company
from xinqiao.run.job import Job, Progress
from xinqiao.run.material import Material
from xinqiao.run.ties import ties
from xinqiao.source.as_of import AsOf

BATCH = 200
NEWS_MONTHS = 36
_REGISTER = "SELECT company_id, uscc, status, established_on FROM registry"
_NEWS = """
    SELECT company_id, CAST(date_trunc('month', published_on) AS DATE) AS month, count(*) AS negative,
        list_sort(list(DISTINCT event_type)) AS kinds,
        list(title ORDER BY published_on DESC, article_no)[:3] AS titles
    FROM news WHERE negative >= 0.5 AND match >= 0.5 AND published_on > $since GROUP BY 1, 2 ORDER BY 1, 2
"""


def publish_run(job: Job, database: Database, progress: Progress) -> int:
    """Serve every company of a finished run; publishing it again changes nothing. Returns the new files."""
    files = _Files(job)
    total, done, new = len(files.material.companies), 0, 0
    models = [(m.model_id, m.to_json()) for m in files.material.models.values()]
    for batch in _batches(files.all()):
        with database.transaction(SYSTEM) as tx:
            new += publish(tx, batch, models)
        models = []
        done += len(batch)
        progress.step("publish", done, total)
    return new


def _batches(files: Iterator[CreditFile]) -> Iterator[list[CreditFile]]:
    batch: list[CreditFile] = []
    for file in files:
        batch.append(file)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class _Files:
    """Credit files of all companies, one after the other."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.material: Material = job.material()
        self.leads = find_leads(job.lake, job.as_of).of()
        self.ties = ties(job.lake, job.as_of)
        self.reasons: dict[str, dict[str, tuple[str, str | None]]] = defaultdict(dict)
        for row in self.material.snapshot.missing.to_pylist():
            self.reasons[row["company_id"]][row["indicator"]] = (row["reason"], row["detail"])
        with AsOf(job.lake, job.as_of, ["registry", "news"]) as at:
            self.register = {row.pop("company_id"): row for row in at.rows(_REGISTER)}
            since = add_months(job.as_of, -NEWS_MONTHS)
            self.news: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for row in at.rows(_NEWS, since=since):
                self.news[row.pop("company_id")].append(row | {"month": row["month"].isoformat()})

    def all(self) -> Iterator[CreditFile]:
        """Every company with a decision record, by id."""
        for record in self.material.stored():
            company = self.material.by_id.get(record["company_id"])
            if company is not None:
                yield self._file(company, record)

    def _file(self, company: Company, record: dict[str, Any]) -> CreditFile:
        key, shown = company.id, self.material.portrait
        edges = self.ties.get(key, ())
        return CreditFile(
            company_id=key,
            as_of=self.job.as_of,
            generated=self.material.generated,
            model_id=self.material.models[self.material.arm(record)].model_id,
            register_=self._register(company),
            in_default=company.in_default,
            indicators=dict(self._values(key)),
            score=record["score"] | {"arm": record.get("release", {}).get("arm", CHAMPION)},
            radar=shown.radar.get(key, {}),
            radar_peers=shown.peers.get(key),
            tags=tuple(shown.tags.get(key, ())),
            unknown_tags=tuple(shown.unknown.get(key, ())),
            months=tuple(self._months(key)),
            ahead={name: tuple(_ahead(found[key])) for name, found in shown.ahead.items() if key in found},
            news=tuple(self.news.get(key, ())),
            leads=tuple(lead.as_json() for lead in self.leads.get(key, ())),
            edges=edges,
            names=self._names(edges),
            sources={
                name: {
                    "rows": found[key].rows,
                    "first": _day(found[key].first),
                    "last": _day(found[key].last),
                }
                for name, found in self.material.records.items()
                if key in found
            },
        )

    def _register(self, company: Company) -> Register:
        told = self.register.get(company.id, {})
        return Register(
            name=company.name,
            kind=company.kind,
            industry=company.industry,
            division=company.division,
            size=self.material.portrait.sizes.get(company.id),
            peer_group=company.peer_group,
            **told,
        )

    def _values(self, key: str) -> Iterator[tuple[str, Value]]:
        given, flags = self.material.given[key], self.material.flags[key]
        for name in indicators():
            value = given.get(name)
            if value is None:
                reason, detail = self.reasons[key].get(name, ("NO_RECORDS", None))
                yield name, Value(missing=reason, detail=detail)
            else:
                yield name, Value(value=value, flagged=name in flags)

    def _months(self, key: str) -> Iterator[Month]:
        for month in self.material.months.get(key, ()):
            yield Month(
                month=date.fromisoformat(f"{month.label}-01"),
                sales=month.sales_cny,
                purchases=month.purchases_cny,
            )

    def _names(self, edges: tuple[Edge, ...]) -> dict[str, str]:
        ends = {end for edge in edges for end in (edge.source, edge.target)}
        known = self.material.by_id
        return {end: known[end].name for end in sorted(ends) if end in known}


def _ahead(months: tuple[build.Month, ...]) -> Iterator[Month]:
    for month in months:
        yield Month(month=month.month, value=month.value, low=month.low, high=month.high)


def _day(day: object) -> str | None:
    return None if day is None else str(day)
