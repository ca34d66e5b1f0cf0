"""What a job of secure statistics computes, for whom, and what each party then knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import ALIGNED, check_keys
from xinqiao.privacy.job.manifest import PARTIES_AT_MOST, ROWS_AT_MOST, Manifest, Name, parameters, refuse
from xinqiao.privacy.protocol.masks import enough

Measure = Literal["sum", "mean", "variance", "histogram", "quantile", "each", "at_least"]
HOLDERS_AT_MOST = PARTIES_AT_MOST - 1
VALUE_AT_MOST = 1 << 57
"""Size of a value in its smallest unit, so that sixteen parties' values of a subject add up below 2^61."""
SUM_AT_MOST = VALUE_AT_MOST * ROWS_AT_MOST
"""Size of a holder's sum in the smallest unit, below 2^84."""


class Noise(BaseModel):
    """Differential privacy of one row: values are cut to ``low`` .. ``high``, each holder adds noise enough.

    ``cost`` is epsilon for ``laplace`` and rho for ``gaussian``, shared evenly by what is told; ``budget``
    bounds the rho that a holder's source may spend in all, at every holder by itself.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    mechanism: Literal["laplace", "gaussian"] = "gaussian"
    cost: float = Field(gt=0, le=20)
    low: Decimal
    high: Decimal
    budget: float = Field(gt=0, le=100)
    delta: float = Field(default=1e-6, gt=0, lt=0.1)

    @property
    def rho(self) -> float:
        """The cost in zero-concentrated differential privacy (Bun and Steinke, 2016, proposition 1.4)."""
        return self.cost**2 / 2 if self.mechanism == "laplace" else self.cost


class Grid(BaseModel):
    """Where quantiles are looked for: ``cells`` equal steps from ``low`` to ``high``."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    low: Decimal
    high: Decimal
    cells: int = Field(ge=2, le=4096)


class Plan(BaseModel):
    """The parameters of the kind ``statistics``.

    ``over``: ``rows``: all holders' rows put together; ``subjects``: of each subject that all holders have,
    the sum of its values. ``at_least``: only whether the sum is at least ``threshold``; ``each``: the sum of
    each subject, for who asks about subjects it knows. ``rows_at_least``: a holder with fewer takes no part.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    measures: tuple[Measure, ...] = Field(min_length=1)
    result_to: tuple[Name, ...] = Field(min_length=1)
    over: Literal["rows", "subjects"] = "rows"
    decimals: int = Field(default=2, ge=0, le=6)
    parties_at_least: int = Field(default=2, ge=2, le=15)
    rows_at_least: int = Field(default=5, ge=1)
    edges: tuple[Decimal, ...] = Field(default=(), max_length=1024)
    grid: Grid | None = None
    quantiles: tuple[float, ...] = Field(default=(), max_length=100)
    threshold: Decimal | None = None
    noise: Noise | None = None

    @model_validator(mode="after")
    def _complete(self) -> Plan:
        wanted = set(self.measures)
        grid = self.grid is not None and self.grid.low < self.grid.high and bool(self.quantiles)
        faults = {
            "measures": wanted & {"each", "at_least"} and len(wanted) > 1,
            "edges": ("histogram" in wanted) != bool(self.edges)
            or list(self.edges) != sorted(set(self.edges)),
            "grid": ("quantile" in wanted) != grid,
            "quantiles": any(not 0 <= q <= 1 for q in self.quantiles),
            "threshold": ("at_least" in wanted) != (self.threshold is not None),
            "noise": self.noise is not None
            and (wanted & {"each", "at_least"} or self.noise.low >= self.noise.high),
            "numbers too large": any(abs(self.units(number)) >= VALUE_AT_MOST for number in self._numbers)
            or abs(self.units(self.threshold or Decimal(0))) > SUM_AT_MOST * HOLDERS_AT_MOST,
        }
        if wrong := [name for name, fault in faults.items() if fault]:
            message = f"do not fit measures {sorted(wanted)}: {', '.join(wrong)}"
            raise ValueError(message)
        return self

    @property
    def _numbers(self) -> list[Decimal]:
        """What values are compared with."""
        ranges = [each for each in (self.grid, self.noise) if each is not None]
        return [*self.edges, *(end for each in ranges for end in (each.low, each.high))]

    @property
    def totals(self) -> bool:
        """Whether who receives needs the subjects' totals themselves, nameless, to compute the rest."""
        return self.over == "subjects" and not {"sum", "mean", "each", "at_least"} >= set(self.measures)

    def units(self, value: Decimal) -> int:
        """``value`` in the smallest unit, rounded half to even."""
        return round(Fraction(value) * Fraction(10) ** self.decimals)

    def number(self, units: int | Fraction) -> float:
        """The other way round."""
        return float(Fraction(units) / 10**self.decimals)

    @property
    def grid_units(self) -> list[int]:
        """The grid's edges in the smallest unit; empty where no quantile is wanted."""
        if self.grid is None:
            return []
        low, high = self.units(self.grid.low), self.units(self.grid.high)
        return sorted({low + (high - low) * n // self.grid.cells for n in range(self.grid.cells + 1)})


def plan_of(manifest: Manifest) -> Plan:
    """The manifest's parameters. Raises UserError PRV-MANIFEST."""
    return parameters(Plan, manifest)


def holders(manifest: Manifest) -> tuple[str, ...]:
    """Names of the parties whose values are added up."""
    return tuple(party.name for party in manifest.having("holder"))


def aligning(manifest: Manifest) -> list[str]:
    """Who aligns rows over subjects, and so learns the common ids."""
    return [party.name for party in manifest.parties if party.role in {"holder", "asker"}]


def check(manifest: Manifest) -> None:
    """Refuse what would tell one holder's number, or names to whom they were not to be told."""
    plan, held = plan_of(manifest), holders(manifest)
    asker, receiver = ([p.name for p in manifest.having(role)] for role in ("asker", "receiver"))
    exact = "at_least" not in plan.measures
    inputs = [party.input for party in manifest.having("holder") if party.input is not None]
    wrong = {
        "result_to": not set(plan.result_to) <= set(manifest.names),
        "parties_at_least": len(held) < plan.parties_at_least,
        "result_to: a sum of two tells each the other's": exact and not enough(held, plan.result_to),
        "each: for the asker alone": "each" in plan.measures
        and (plan.over != "subjects" or list(plan.result_to) != asker),
        "asker: over subjects only": bool(asker) and plan.over != "subjects",
        "result_to: subjects' totals go to a receiver without data": plan.totals
        and list(plan.result_to) != receiver,
        "noise: not over subjects' totals": plan.totals and plan.noise is not None,
        "columns: one value": any(len(each.columns) != 1 for each in inputs),
    }
    if plan.over == "subjects":
        check_keys(manifest, aligning(manifest))
    refuse(manifest, wrong)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """What each party learns, by name."""
    plan = plan_of(manifest)
    told: dict[str, list[Text]] = {party.name: [] for party in manifest.parties}
    if plan.over == "subjects":
        for name in aligning(manifest):
            told[name].append(ALIGNED)
    for name in plan.result_to:
        told[name] += _results(plan)
    return {name: tuple(texts) or (NOTHING,) for name, texts in told.items()}


def _results(plan: Plan) -> Sequence[Text]:
    if plan.threshold is not None:
        return [AT_LEAST.fill(threshold=plan.threshold)]
    found = [BY_MEASURE[measure] for measure in plan.measures]
    if plan.totals:
        found.append(TOTALS)
    if plan.noise is not None:
        found.append(NOISY)
    return found


NOTHING = Text(zh="只知任务已完成，其余一无所知", en="nothing but that the job is done")
AT_LEAST = Text(
    zh="合计是否不低于 {threshold}，仅此一位", en="whether the sum is at least {threshold}: one bit"
)
BY_MEASURE = {
    "sum": Text(zh="合计与行数", en="the sum and the number of rows"),
    "mean": Text(zh="均值、合计与行数", en="the mean, the sum and the number of rows"),
    "variance": Text(
        zh="方差，以及行数、合计与平方和",
        en="the variance, and the number of rows, the sum and the sum of squares",
    ),
    "histogram": Text(zh="约定各区间的行数", en="the number of rows in each agreed interval"),
    "quantile": Text(
        zh="约定网格每一格的行数，分位数由此读出",
        en="the number of rows in each cell of the agreed grid, from which quantiles are read",
    ),
    "each": Text(
        zh="所问主体各自的合计（各方均有的主体）", en="the sum of each subject asked about that all have"
    ),
}
TOTALS = Text(
    zh="共有主体各自的合计，次序已打乱，不带标识",
    en="the totals of the common subjects, shuffled and without ids",
)
NOISY = Text(
    zh="以上均为加噪后的值，满足约定预算的差分隐私",
    en="all of these with noise only, differentially private within the agreed budget",
)
