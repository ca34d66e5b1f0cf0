"""How a failure spreads: along trade, guarantees and common owners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xinqiao.city.draw import Floats, Ints

FADES = 0.95  # monthly: a blow is half forgotten after a year
MOST = 1.5  # a company can't be struck harder than this


@dataclass(frozen=True, slots=True)
class Channels:
    """Along which failures spread, one row each: who fails, whom it strikes, how hard (0 to 1)."""

    fails: Ints
    strikes: Ints
    weight: Floats

    def blow(self, failed: Floats) -> Floats:
        """The blow to every company when ``failed`` (share of failure, by company) happens."""
        return np.bincount(
            self.strikes, weights=self.weight * failed[self.fails], minlength=len(failed)
        ).astype(np.float64)

    def stress(self, default_month: Ints, month: int) -> Floats:
        """What is left at ``month`` of the blows of all earlier months; shape (companies,)."""
        since = month - 1 - default_month
        felt = np.where(since >= 0, FADES ** np.maximum(since, 0).astype(np.float64), 0.0)
        return np.minimum(self.blow(felt), MOST)
