"""Ridge logistic regression on columns that several parties hold, one of whom has the outcome.

Coefficients stay shared through Nesterov's steps (1983) with a fixed factor; several fits that leave out
rows (the folds of a validation) run side by side, as the columns of one shared matrix. Nothing is opened
but masked values.

Bits after the point: columns 13, coefficients 20, log odds 13 + 20 + 4 (looking ahead has 4 more),
residuals 26, slopes 13 + 26, in 64 with up to 2^20 rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2

import numpy as np
from scipy.special import expit

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.sine_series import logistic_series
from xinqiao.privacy.modelling.columns import SHRINK
from xinqiao.privacy.protocol.dealer import Dealer
from xinqiao.privacy.protocol.sharing import WAVE_BITS, Held, Member, Ring, constant, encode
from xinqiao.scoring.columns import Floats

MATRIX_BITS, THETA_BITS, AHEAD_BITS = 13, 20, 4
ODDS_BITS = MATRIX_BITS + THETA_BITS + AHEAD_BITS
MOMENTUM = 14
"""Of 16: what is kept of a step in the next."""
RATE = 5.4
"""The step, for one party: below what Nesterov's steps with this momentum bear (curvature at most 1/4).

Curvature adds up over members only where their columns say the same: three are reckoned with.
"""
ROWS_AT_MOST = 1 << 20
SERIES = logistic_series()


def rate(members: int) -> float:
    """The step among so many members."""
    return RATE / min(members, 3)


@dataclass(frozen=True, slots=True)
class Plan:
    """What all know: rows, each member's width (the first has the outcome), steps, fits side by side."""

    rows: int
    widths: tuple[tuple[str, int], ...]
    steps: int
    fits: int

    def __post_init__(self) -> None:
        if not 0 < self.rows <= ROWS_AT_MOST:
            fail("PRV-MODEL-ROWS", str(self.rows), most=ROWS_AT_MOST)

    @property
    def rate(self) -> float:
        """The step."""
        return rate(len(self.widths))

    @property
    def shift(self) -> int:
        """Bits that a slope is truncated by."""
        return ceil(log2(self.rows / self.rate)) + 2 * WAVE_BITS + MATRIX_BITS - THETA_BITS

    @property
    def factor(self) -> float:
        """What residuals are multiplied with (1 to 2), so that the step is a power of two."""
        return float(self.rate / self.rows * 2.0 ** (self.shift - 2 * WAVE_BITS - MATRIX_BITS + THETA_BITS))

    @property
    def width(self) -> int:
        """All columns."""
        return sum(width for _, width in self.widths)

    def parts(self, whole: Ring) -> list[Ring]:
        """``whole`` (width, fits) by member."""
        return np.split(whole, np.cumsum([width for _, width in self.widths])[:-1].tolist())


@dataclass(frozen=True, slots=True)
class Own:
    """What a member brings: its columns, and at the first member the outcome (0 or 1).

    The first member's first column is 1 everywhere: the intercept. ``used`` (rows, fits), known to all
    members: 1 where a fit uses the row, else 0.
    """

    matrix: Floats
    used: Ring
    bad: Floats | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """A member's share of the fits: ``theta`` (width, fits) and the held matrices."""

    held: tuple[Held, ...]
    theta: Ring


def fit(member: Member, plan: Plan, own: Own, progress: Callable[[float], None]) -> Shared:
    """The member's side of all fits."""
    mine = encode(own.matrix, MATRIX_BITS)
    held = tuple(
        member.hold(name, (plan.rows, width), mine if name == member.me else None)
        for name, width in plan.widths
    )
    theta = np.zeros((plan.width, plan.fits), np.uint64)
    if own.bad is not None:
        share = own.bad.mean()
        theta[0] = encode(np.full(plan.fits, np.log(share / (1 - share))), THETA_BITS)
    ahead, speed = theta * constant(16), np.zeros_like(theta)
    for step in range(plan.steps):
        slope = np.concatenate(_slopes(member, plan, held, ahead, own))
        speed = member.truncated(_moved(plan, speed, ahead) - slope, plan.shift)
        theta = theta + speed
        ahead = theta * constant(16) + speed * constant(MOMENTUM)
        member.pace()
        progress((step + 1) / plan.steps)
    return Shared(held, theta)


def deal(dealer: Dealer, plan: Plan) -> tuple[Held, ...]:
    """The dealer's side of ``fit``."""
    held = tuple(dealer.hold(name, (plan.rows, width)) for name, width in plan.widths)
    factors = [(one, plan.fits) for one in held]
    for _ in range(plan.steps):
        dealer.products(factors)
        dealer.logistic((plan.rows, plan.fits), SERIES)
        dealer.products(factors, transposed=True)
        dealer.truncated((plan.width, plan.fits), plan.shift)
        dealer.pace()
    dealer.settle()
    return held


def log_odds(member: Member, plan: Plan, shared: Shared) -> Ring:
    """Shares of each row's log odds under each fit, ``ODDS_BITS`` after the point."""
    ahead = plan.parts(shared.theta * constant(1 << AHEAD_BITS))
    return _sum(member.products(list(zip(shared.held, ahead, strict=True))))


def deal_log_odds(dealer: Dealer, plan: Plan, held: tuple[Held, ...]) -> None:
    """The dealer's side of ``log_odds``."""
    dealer.products([(one, plan.fits) for one in held])


def _slopes(member: Member, plan: Plan, held: tuple[Held, ...], ahead: Ring, own: Own) -> list[Ring]:
    odds = _sum(member.products(list(zip(held, plan.parts(ahead), strict=True))))
    residual = member.logistic(odds, ODDS_BITS, SERIES, plan.factor)
    if own.bad is not None:
        residual = residual - encode(own.bad * plan.factor, 2 * WAVE_BITS)[:, None]
    residual = residual * own.used
    return member.products([(one, residual) for one in held], transposed=True)


def _moved(plan: Plan, speed: Ring, ahead: Ring) -> Ring:
    """Momentum less the ridge's slope, before truncation; the intercept (the first row) has no ridge."""
    bits = plan.shift - AHEAD_BITS
    ridge = np.full((plan.width, 1), round(SHRINK * plan.rate * 2.0**bits), np.uint64)
    ridge[0] = 0
    return speed * constant(MOMENTUM << bits) - ahead * ridge


def _sum(parts: list[Ring]) -> Ring:
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def fit_plain(matrix: Floats, bad: Floats, used: Floats) -> Floats:
    """The coefficients (width,) that the same regression has in the clear, by Newton's steps.

    ``matrix``: all parties' columns, the intercept first; ``used`` (rows,): 1 or 0.
    """
    theta = np.zeros(matrix.shape[1])
    share = float(bad @ used / used.sum())
    theta[0] = np.log(share / (1 - share))
    ridge = np.full(len(theta), SHRINK * len(bad))
    ridge[0] = 0.0
    for _ in range(30):
        chance = expit(matrix @ theta)
        slope = matrix.T @ (used * (chance - bad)) + ridge * theta
        curved = (matrix.T * (used * chance * (1 - chance))) @ matrix + np.diag(ridge)
        step = np.linalg.solve(curved, slope)
        theta -= step
        if np.abs(step).max() < 1e-6:  # noqa: PLR2004 - far below what shares resolve
            break
    return theta
