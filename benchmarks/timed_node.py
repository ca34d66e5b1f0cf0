"""``xinqiao node`` whose jobs also time themselves: the protocol alone, and single questions one by one.

``python -m benchmarks.timed_node node --config node.toml``. Everything is the product's own but what a
job's process adds to its result: ``protocol_seconds``, without the start of processes, ``sent_bytes`` and,
where a bank asks for scores or a list, ``single_ms``: each of its rows asked alone, as a loan's flow asks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from xinqiao.privacy.job import kind
from xinqiao.privacy.job.kind import Job, Kind, Result
from xinqiao.privacy.job.link import Link, Recorded
from xinqiao.privacy.node import worker


def _scores(job: Job, link: Link) -> list[float]:
    from xinqiao.privacy.modelling.model_part import ModelPart  # noqa: PLC0415 - most jobs' processes need it not
    from xinqiao.privacy.scores.joint_score import Scorer  # noqa: PLC0415 - as above

    assert job.table is not None
    with Scorer(job, link, ModelPart.load(job.state, job.params["model"], link.me)) as scorer:
        return [_timed(scorer.score, job.table.slice(n, 1)) for n in range(job.table.num_rows)]


def _totals(job: Job, link: Link) -> list[float]:
    from xinqiao.privacy.lists.list_query import Asker  # noqa: PLC0415 - as above

    assert job.table is not None
    with Asker(job, link) as asker:
        return [_timed(asker.ask, [key]) for key in job.table.column(0).to_pylist()]


SINGLES: dict[str, Callable[[Job, Link], list[float]]] = {"joint_score": _scores, "operators_query": _totals}


def _timed(work: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    work(*arguments)
    return 1000 * (time.perf_counter() - began)


def _run(known: Kind, job: Job, link: Link) -> Result:
    began = time.perf_counter()
    if known.name in SINGLES and job.me.role == "bank":
        result = Result({"single_ms": SINGLES[known.name](job, link)})
    else:
        result = known.run(job, link)
    seconds = time.perf_counter() - began
    assert isinstance(link, Recorded)
    sent = sum(line.size_bytes for line in link.lines if line.direction == "sent")
    return replace(result, told={**result.told, "protocol_seconds": seconds, "sent_bytes": sent})


def _know() -> None:
    """Each kind of the registry, timed."""
    registered = kind.kind_named

    def named(name: str) -> Kind | None:
        known = registered(name)
        return None if known is None else replace(known, run=partial(_run, known))

    kind.kind_named = named


def main() -> None:
    if sys.argv[1] != "node":
        _know()
        worker.main()
        return
    from xinqiao.cli.main import main as command  # noqa: PLC0415 - not for a job's process
    from xinqiao.privacy.node import child  # noqa: PLC0415 - as above

    child.WORKER = (sys.executable, "-m", "benchmarks.timed_node")
    command()


if __name__ == "__main__":
    main()
