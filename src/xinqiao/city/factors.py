r"""The latent causes: three monthly factors per company, and the demand of its industry.

Each factor follows a first-order autoregression, ``f[t] = RHO f[t-1] + sqrt(1 - RHO^2) e[t]`` (mean 0,
variance 1, high is good). ``liquidity`` leans on ``operations`` and ``governance`` on ``liquidity``, as
far as ``LEAN`` says. What each one moves stands in the package's docstring. All three have the same
RHO, so any sum of them is again such a process, which keeps the true PD quick to work out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xinqiao.city.draw import BLOCK, Floats, Stream, stream
from xinqiao.city.industry import INDUSTRIES
from xinqiao.city.region import Region

Floats32 = npt.NDArray[np.float32]

RHO = 0.98
LEAN = (0.40, 0.25)  # of liquidity on operations, of governance on liquidity
EPIDEMIC = (20, 21, 22)  # months of the quarter in which demand breaks down
RECOVERY = (0.5, 0.25)  # share of the blow still felt in the months after
BLOW = {"H62": -1.0, "G54": -0.65, "F52": -0.55, "E50": -0.5, "L72": -0.4, "C13": -0.1, "A01": -0.05}
OTHERS_BLOW, SOFTWARE_GAIN = -0.25, 0.15


@dataclass(frozen=True, slots=True)
class Factors:
    """Latent factors; every array has shape (companies, months), float32 to hold a million companies.

    ``operations`` includes the demand of the industry.
    """

    operations: Floats32
    liquidity: Floats32
    governance: Floats32


def demand(months: int) -> Floats:
    """What the epidemic quarter takes from operations; shape (industries, months)."""
    blow = np.array([SOFTWARE_GAIN if i.code == "I65" else BLOW.get(i.code, OTHERS_BLOW) for i in INDUSTRIES])
    course = np.zeros(months + EPIDEMIC[-1] + len(RECOVERY) + 1)
    course[list(EPIDEMIC)] = 1.0
    for step, share in enumerate(RECOVERY, 1):
        course[EPIDEMIC[-1] + step] = share
    out: Floats = blow[:, None] * course[None, :months]
    return out


def draw_factors(region: Region) -> Factors:
    """Draw all factors, block by block."""
    n, months = region.companies, region.calendar.months
    out = np.empty((3, n, months), dtype=np.float32)
    for block, start in enumerate(range(0, n, BLOCK)):
        part = out[:, start : start + BLOCK]
        part[:] = stream(region.seed, Stream.HEALTH, block).standard_normal(part.shape, dtype=np.float32)
    fresh = np.float32(np.sqrt(1 - RHO**2))
    for month in range(1, months):
        out[:, :, month] = RHO * out[:, :, month - 1] + fresh * out[:, :, month]
    for lower, lean in enumerate(LEAN):
        out[lower + 1] = lean * out[lower] + np.sqrt(1 - lean**2) * out[lower + 1]
    operations, liquidity, governance = out
    operations += demand(months).astype(np.float32)[region.industry]
    return Factors(operations, liquidity, governance)


def spread(operations: float, liquidity: float, governance: float) -> float:
    """Standard deviation of the sum of the factors with these weights (demand left out)."""
    first, second = LEAN
    correlation = np.array([[1, first, first * second], [first, 1, second], [first * second, second, 1]])
    weight = np.array([operations, liquidity, governance])
    return float(np.sqrt(weight @ correlation @ weight))
