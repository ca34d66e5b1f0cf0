"""Seeded randomness: one independent stream per purpose and block, and a hash where no state may be kept.

A stream depends on (seed, purpose, block) only, so the order and the number of blocks worked on
at a time can't change a value.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]


BLOCK = 128
"""Companies drawn from one stream; part of the output, never changed."""


class Stream(IntEnum):
    """What a stream is for; the numbers are part of the output and never change."""

    COMPANY = 1
    HEALTH = 2
    NETWORK = 3
    REGISTER = 4
    CREDIT = 5
    SALES = 6
    PURCHASES = 7
    DIRT = 8
    TRUE_PD = 9
    CASES = 10
    TAX = 11
    STAFF = 12
    POWER = 13
    UTILITIES = 14
    BANK = 15
    CUSTOMS = 16
    CREDIT_MONTHS = 17
    CHAINS = 18
    FATE = 19
    STAFF_PAYMENTS = 20
    HOUSING = 21
    TAX_PAYMENTS = 22
    TAX_EVENTS = 23
    POWER_BILLS = 24
    POWER_EVENTS = 25
    BALANCES = 26
    STATEMENTS = 27
    WEATHER = 28
    CREDIT_LINES = 29
    TIES = 30
    GUARANTEES = 31
    COURTS = 32
    PENALTIES = 33
    ENVIRONMENT = 34
    RIGHTS = 35
    TELECOM = 36
    OPINION = 37
    APPLICATIONS = 38
    SCHEMES = 39
    CHANGES = 40
    PEOPLE = 41
    CAPITAL = 42
    LOANS = 43
    PLANTED = 44


def stream(seed: int, purpose: Stream, block: int = 0) -> np.random.Generator:
    """The generator of ``purpose`` in ``block``."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, int(purpose), block])))


def mix(*parts: Ints | int) -> Words:
    """A 64-bit hash of whole numbers, element by element (SplitMix64 finaliser, Steele et al. 2014)."""
    state: Words = np.zeros(1, dtype=np.uint64)
    for part in parts:
        word = np.asarray(part, dtype=np.int64).astype(np.uint64)
        state = (state ^ word) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state


def uniform(*parts: Ints | int) -> Floats:
    """``mix`` as numbers in [0, 1)."""
    return (mix(*parts) >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def logistic(x: Floats) -> Floats:
    """1 / (1 + exp(-x))."""
    out: Floats = 1.0 / (1.0 + np.exp(-x))
    return out
