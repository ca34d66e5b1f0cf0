"""The people behind a company and their other companies, as known on a day.

Reads frames with the columns of the contracts ``registry``, ``registry_person`` and ``registry_holding``.
People are keyed hashes throughout. A tie is one person, one company and one role, from a day until a day.
"""

from __future__ import annotations

from datetime import date

import polars as pl

HOLDER = "holder"
LEGAL_REPRESENTATIVE = "legal_representative"
EXACT, SEEN = "exact", "seen"
TIES = pl.Schema(
    {
        "person": pl.String,
        "company": pl.String,
        "role": pl.String,
        "held_from": pl.Date,
        "held_until": pl.Date,
        "share": pl.Float64,
        "dates": pl.String,
        "current": pl.Boolean,
    }
)
"""``share``: of the equity, for holders. ``dates``: exact, or seen: the days the register's versions were
known. ``current``: not ended on the day asked for."""


def ties(registry: pl.DataFrame, people: pl.DataFrame, holdings: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """All ties (TIES) that were known on ``as_of``; records known later change nothing.

    A legal representative in both the register and the offices is told once, with the exact dates.
    """
    offices = _offices(people, as_of)
    seen = _representatives(registry, as_of)
    exact = offices.filter(pl.col("role") == LEGAL_REPRESENTATIVE).select("person", "company")
    seen = seen.join(exact, on=["person", "company"], how="anti")
    whole = pl.concat([offices, _stakes(holdings, as_of), seen], how="diagonal")
    ended = pl.col("held_until").is_not_null() & (pl.col("held_until") <= as_of)
    told = whole.with_columns(current=~ended).select(pl.col(name).cast(kind) for name, kind in TIES.items())
    return told.sort("company", "person", "role", "held_from", "dates", nulls_last=True)


def _latest(frame: pl.DataFrame, keys: list[str], as_of: date) -> pl.DataFrame:
    """The latest version of every key that was known on ``as_of``."""
    known = frame.filter(pl.col("known_on") <= as_of)
    return known.sort("known_on", maintain_order=True).unique(keys, keep="last", maintain_order=True)


def _offices(people: pl.DataFrame, as_of: date) -> pl.DataFrame:
    latest = _latest(people, ["company_id", "person_hash", "role", "held_from"], as_of)
    return latest.select(
        person=pl.col("person_hash").cast(pl.String),
        company=pl.col("company_id").cast(pl.String),
        role=pl.col("role").cast(pl.String),
        held_from=pl.col("held_from").cast(pl.Date),
        held_until=pl.col("held_until").cast(pl.Date),
        share=pl.lit(None, pl.Float64),
        dates=pl.lit(EXACT),
    )


def _stakes(holdings: pl.DataFrame, as_of: date) -> pl.DataFrame:
    of_people = holdings.filter(pl.col("holder_kind") == "person")
    latest = _latest(of_people, ["company_id", "holder_id", "held_from"], as_of)
    return latest.select(
        person=pl.col("holder_id").cast(pl.String),
        company=pl.col("company_id").cast(pl.String),
        role=pl.lit(HOLDER),
        held_from=pl.col("held_from").cast(pl.Date),
        held_until=pl.col("held_until").cast(pl.Date),
        share=pl.col("share").cast(pl.Float64),
        dates=pl.lit(EXACT),
    )


def _representatives(registry: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """One tie for every run of versions of a company with the same legal representative."""
    person, company = pl.col("legal_representative_hash"), pl.col("company_id")
    known = registry.filter(pl.col("known_on") <= as_of).sort("company_id", "known_on", maintain_order=True)
    changed = person.ne_missing(person.shift()) | company.ne_missing(company.shift())
    runs = known.with_columns(run=changed.cum_sum()).group_by("run", maintain_order=True)
    begun = runs.agg(company.first(), person.first(), held_from=pl.col("known_on").min())
    ended = begun.with_columns(held_until=pl.col("held_from").shift(-1).over("company_id"))
    return ended.filter(person.is_not_null()).select(
        person=person.cast(pl.String),
        company=company.cast(pl.String),
        role=pl.lit(LEGAL_REPRESENTATIVE),
        held_from=pl.col("held_from").cast(pl.Date),
        held_until=pl.col("held_until").cast(pl.Date),
        share=pl.lit(None, pl.Float64),
        dates=pl.lit(SEEN),
    )


def people_of(known: pl.DataFrame, company: str) -> pl.DataFrame:
    """The ties of ``company``, ended ones too."""
    return known.filter(pl.col("company") == company)


def companies_of(known: pl.DataFrame, person: str) -> pl.DataFrame:
    """The ties of ``person``, ended ones too."""
    return known.filter(pl.col("person") == person)


def other_companies(known: pl.DataFrame, company: str) -> pl.DataFrame:
    """The ties of the people behind ``company`` to other companies.

    The columns of TIES, and ``role_here``: the roles the person has or had in ``company``, in order, joined
    by a comma.
    """
    here = (
        people_of(known, company)
        .group_by("person")
        .agg(role_here=pl.col("role").unique().sort().str.join(","))
    )
    others = known.filter(pl.col("company") != company)
    return others.join(here, on="person").sort("company", "person", "role", "held_from", nulls_last=True)
