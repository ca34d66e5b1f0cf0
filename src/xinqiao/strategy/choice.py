"""What may be chosen (可选项) and what limits it: the data of the multiple-choice problem."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xinqiao.strategy.churn import Floats

Ints = NDArray[np.int64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Options:
    """What may be done, one row an option, shape (options,); amounts in whole steps from low to high.

    Options of a company stand together. Profit of one taken with n steps is ``fixed`` + ``unit`` n, in CNY.
    """

    company: Ints
    choice: Ints
    fixed: Floats
    unit: Floats
    low: Ints
    high: Ints

    def take(self, rows: Rows) -> Options:
        """Some of the options."""
        return Options(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def between(self, low: Ints, high: Ints) -> Options:
        """The same options with other bounds on their steps."""
        return replace(self, low=low, high=high)

    def profit(self, steps: Ints) -> float:
        """Profit of ``steps``, in CNY."""
        return float((self.fixed * (steps > 0) + self.unit * steps).sum())

    def best(self) -> Floats:
        """The most that each option can bring, in CNY."""
        out: Floats = self.fixed + np.maximum(self.unit * self.low, self.unit * self.high)
        return out

    def best_of_company(self, worth: Floats) -> Floats:
        """For each option, the best ``worth`` among its company's options and taking none (0)."""
        best = np.zeros(int(self.company.max(initial=-1)) + 1)
        np.maximum.at(best, self.company, worth)
        return best[self.company]


@dataclass(frozen=True)
class Limit:
    """Over all options taken, the sum of ``fixed`` + ``unit`` n is at most ``most``."""

    name: str
    fixed: Floats
    unit: Floats
    most: float

    def take(self, rows: Rows) -> Limit:
        """The limit on some of the options."""
        return Limit(self.name, self.fixed[rows], self.unit[rows], self.most)

    def used(self, steps: Ints) -> float:
        """What the steps of each option use."""
        return float((self.fixed * (steps > 0) + self.unit * steps).sum())

    @property
    def spare(self) -> float:
        """What the sum of many floats may be wrong by."""
        return max(abs(self.most), float(np.abs(self.unit).max(initial=0.0)), 1.0) * 1e-9
