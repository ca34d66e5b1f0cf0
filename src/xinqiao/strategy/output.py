"""Files of a study: plan.parquet, plan.csv and summary.json; the same input gives the same bytes."""

from __future__ import annotations

import io
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import scipy

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.writing import write_whole
from xinqiao.strategy.explain import Line, explain
from xinqiao.strategy.plan import Plan, Statement
from xinqiao.strategy.rating import CLASSES, Agreement
from xinqiao.strategy.sensitivity import WhatIf
from xinqiao.strategy.shock import Shocked
from xinqiao.strategy.simple import Simple
from xinqiao.strategy.study import Study

DIGITS = 6
MONEY, RATE = pa.decimal128(18, 2), pa.decimal128(9, 6)
_TEXTS = ("why_zh", "why_en", "why_rate_zh", "why_rate_en")
SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("company_id", "name", "rating", "industry", "industry_from", "kind")
        ),
        *((name, pa.float64()) for name in ("pd", "pd_low", "pd_high")),
        ("limit_cny", MONEY),
        ("rate", RATE),
        ("standing", pa.string()),
        *((name, pa.float64()) for name in ("take_up", "profit_cny", "loss_cny", "margin", "marginal")),
        *((name, pa.string()) for name in _TEXTS),
        ("shock_pd", pa.float64()),
        ("shock_limit_cny", MONEY),
        ("shock_rate", RATE),
        ("shock_kept_profit_cny", pa.float64()),
        ("shock_profit_cny", pa.float64()),
        ("shock_change", pa.string()),
    ]
)


def write_study(folder: Path, made: Study) -> None:
    """Write the files into ``folder``. Raises UserError FILE-WRITE."""
    table = plan_table(made)
    sheet, columns = io.BytesIO(b""), io.BytesIO()
    sheet.write("\ufeff".encode())  # so that spreadsheet programs read it as UTF-8
    pa_csv.write_csv(table, sheet)
    pq.write_table(table, columns, compression="zstd")
    write_whole(folder / "plan.csv", sheet.getvalue())
    write_whole(folder / "plan.parquet", columns.getvalue())
    write_whole(folder / "summary.json", canonical_json(summary(made)) + b"\n")


def plan_table(made: Study) -> pa.Table:
    """One row a company, see docs/strategy.md for the columns."""
    rows = [_row(made.plan, line) for line in explain(made.plan)]
    if made.shocked:
        for row, line in zip(rows, explain(made.shocked.after), strict=True):
            row.update(_shock_row(made.shocked, line))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(plan: Plan, line: Line) -> dict[str, Any]:
    each = plan.book.applicants[line.place]
    return {
        "company_id": each.id,
        "name": each.name,
        "rating": each.rating,
        "industry": each.industry,
        "industry_from": each.sureness,
        "kind": each.kind,
        "pd": each.pd,
        "pd_low": _short(each.pd_low),
        "pd_high": _short(each.pd_high),
        "limit_cny": Decimal(line.limit_cny).quantize(Decimal("0.01")),
        "rate": _rate(plan, line),
        "standing": line.standing,
        "take_up": _short(line.take_up),
        "profit_cny": _short(line.profit_cny),
        "loss_cny": _short(line.loss_cny),
        "margin": _short(line.margin),
        "marginal": _short(line.marginal),
        "why_zh": line.why.zh,
        "why_en": line.why.en,
        "why_rate_zh": line.why_rate.zh if line.why_rate else None,
        "why_rate_en": line.why_rate.en if line.why_rate else None,
    }


def _shock_row(shocked: Shocked, line: Line) -> dict[str, Any]:
    i, before, book = line.place, shocked.before, shocked.book
    limit, at = int(before.limit_cny[i]), int(before.rate[i])
    kept = limit * float(book.profit[i, at]) - float(book.handling[i, at]) if limit else 0.0
    return {
        "shock_pd": _short(float(book.pd[i])),
        "shock_limit_cny": Decimal(line.limit_cny).quantize(Decimal("0.01")),
        "shock_rate": _rate(shocked.after, line),
        "shock_kept_profit_cny": _short(kept),
        "shock_profit_cny": _short(line.profit_cny),
        "shock_change": shocked.change(i),
    }


def _rate(plan: Plan, line: Line) -> Decimal | None:
    return plan.book.rates[line.rate].quantize(Decimal("0.000001")) if line.limit_cny else None


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0  # + 0.0 turns -0.0 into 0.0


def summary(made: Study) -> dict[str, Any]:
    """The figures of a study as JSON."""
    optimum = made.plan.optimum
    assert optimum is not None  # noqa: S101 - a study's plan is always solved
    book = made.plan.book
    return {
        "title": made.title.model_dump(),
        "generated": {"companies": made.generated, "churn": made.churn.generated},
        "as_of": made.scored.as_of,
        "companies": len(book.applicants),
        "terms": made.terms.model_dump(mode="json"),
        "mandate": made.mandate.model_dump(mode="json"),
        "plan": _statement(made.plan.statement()),
        "solver": {
            "name": f"HiGHS (SciPy {scipy.__version__})",
            "bound_cny": _short(optimum.solver_bound),
            "own_lagrangian_bound_cny": _short(optimum.own_bound),
            "gap": optimum.gap,
            "nodes": optimum.nodes,
            "options": optimum.options,
        },
        "shadow_prices": {name: _short(price) for name, price in (made.plan.prices or {}).items()},
        "simple": _simple(made.simple),
        "budget_curve": [_numbers(asdict(point)) for point in made.budgets],
        "lgd": [{"lgd": lgd, **_what_if(what)} for lgd, what in made.lgds],
        "pd_interval": _pds(made),
        "variants": [_what_if(what) for what in made.variants],
        "churn_fit": [_numbers(asdict(fit)) for fit in made.churn.fits()],
        "out_of_fold_auc": made.scored.oof_auc,
        "ratings": _agreement(made.scored.agreement),
        "shock": _shock(made),
    }


def _statement(made: Statement) -> dict[str, Any]:
    return _numbers(asdict(made))


def _numbers(given: dict[str, Any]) -> dict[str, Any]:
    return {name: _short(v) if isinstance(v, float) else v for name, v in given.items()}


def _simple(policies: tuple[Simple, ...]) -> dict[str, Any]:
    return {
        each.id: {
            "one_rate": _statement(each.one_rate.statement()),
            "per_rating": _statement(each.per_rating.statement()),
        }
        for each in policies
    }


def _what_if(what: WhatIf) -> dict[str, Any]:
    again = _statement(what.again) if what.again else None
    kept = _short(what.kept_cny)
    return {"name": what.name.model_dump(), "kept_profit_cny": kept, "again": again}


def _pds(made: Study) -> dict[str, Any] | None:
    if made.pds is None:
        return None
    ends = {name: _what_if(getattr(made.pds, name)) for name in ("low", "middle", "high")}
    cautious = {"as_estimated_cny": _short(made.pds.cautious_cny)}
    return {**ends, "cautious": cautious | _statement(made.pds.cautious.statement())}


def _agreement(found: Agreement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "upper_pd": list(found.bounds),
        "classes": list(CLASSES),
        "matrix_bank_by_pd": found.matrix.tolist(),
        "exact": _short(found.exact),
        "within_one": _short(found.within_one),
        "weighted_kappa": _short(found.kappa),
    }


def _shock(made: Study) -> dict[str, Any] | None:
    shocked = made.shocked
    if shocked is None or shocked.after.optimum is None:
        return None
    changes = [shocked.change(i) for i in range(len(shocked.book.applicants))]
    return {
        "id": shocked.shock.id,
        "assumed": shocked.shock.assumed,
        "reach": dict(
            zip(
                [line.name.zh for line in shocked.shock.lines],
                shocked.shock.reach(shocked.before.book),
                strict=True,
            )
        ),
        "old_plan_kept": _statement(shocked.before.statement(shocked.book)),
        "planned_again": _statement(shocked.after.statement()),
        "gap": shocked.after.optimum.gap,
        "changes": {name: changes.count(name) for name in sorted(set(changes))},
        "simple": _simple(made.shocked_simple),
    }
