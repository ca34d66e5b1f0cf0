"""How well a shared score ranks, told without telling any row's score to a party that knows the row.

The members put their rows into one secret order and send the dealer shares of the score under fresh
masks of zero; the dealer, which knows neither rows nor order, adds them up and measures. It learns the
scores of unknown rows with their outcomes; the member with the outcome learns the measures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from xinqiao.kernel.errors import fail
from xinqiao.privacy.crypto.stream import Stream
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.wire import pack, unpack, whole_array
from xinqiao.privacy.modelling.lift import Lift, lift
from xinqiao.privacy.protocol.sharing import Ring, decode
from xinqiao.scoring.columns import Floats

MEASURES = (6, 3)


def zero(stream: Stream, members: Sequence[str], me: str, shape: tuple[int, ...]) -> Ring:
    """This member's share of 0: uniform for the dealer, which has no part in ``stream``."""
    words = stream.words((len(members), *shape))
    place = tuple(members).index(me)
    share: Ring = words[place] - words[(place + 1) % len(members)]
    return share


def submit(link: Link, members: Sequence[str], dealer: str, score: Ring, stream: Stream) -> NDArray[np.intp]:
    """Send the dealer this member's share of ``score`` (rows,) in the common order, which is returned."""
    order = stream.order(len(score))
    link.send(dealer, "score", pack({"values": (score + zero(stream, members, link.me, score.shape))[order]}))
    return order


def submit_outcome(link: Link, dealer: str, bad: Floats, alone: Floats, order: NDArray[np.intp]) -> Lift:
    """Send outcomes and ranks of the own score in the same order; the measures that come back."""
    told = {"bad": bad[order].astype(np.uint8), "alone": rankdata(alone[order], "dense").astype(np.uint32)}
    link.send(dealer, "outcome", pack(told))
    return Lift.read(whole_array(link.receive(dealer, "measures"), dealer, MEASURES, "<f8"))


def measure(link: Link, members: Sequence[str], rows: int, bits: int, folds: int) -> None:
    """The dealer's side: add up, measure, tell the first member."""
    total = np.zeros(rows, np.uint64)
    for name in members:
        total += whole_array(link.receive(name, "score"), name, (rows,))
    first = members[0]
    told = unpack(link.receive(first, "outcome"), first, bad=np.ndarray, alone=np.ndarray)
    bad, alone = told["bad"].astype(np.float64), told["alone"].astype(np.float64)
    if bad.shape != (rows,) or alone.shape != (rows,) or set(np.unique(bad).tolist()) != {0.0, 1.0}:
        fail("PRV-MESSAGE", first, detail="outcome")
    link.send(first, "measures", pack({"values": lift(decode(total, bits), alone, bad, folds).array()}))
