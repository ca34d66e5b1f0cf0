"""Secure statistics: "how much you have together", from masked sums; or only whether it is enough.

All that adds up over rows goes in one masked vector: number, sum, sum of squares, cells. What doesn't add
up (variance or quantiles over subjects' totals) is computed by a receiver without data from the totals
themselves, shuffled under an order that only the holders know.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import aligned, joined
from xinqiao.privacy.crypto.noise import gaussian, laplace, spend
from xinqiao.privacy.job.kind import SEMI_HONEST, Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.job.wire import pack, unpack
from xinqiao.privacy.protocol.common_stream import common_stream
from xinqiao.privacy.protocol.comparison import answer, ask
from xinqiao.privacy.protocol.masks import Long, secure_sum
from xinqiao.privacy.sums.statistics_plan import (
    HOLDERS_AT_MOST,
    SUM_AT_MOST,
    Noise,
    Plan,
    aligning,
    check,
    holders,
    learns,
    plan_of,
)
from xinqiao.privacy.sums.statistics_sums import lengths_of, results_of, units_of, vector_of

SPLIT_BITS = (2 * SUM_AT_MOST).bit_length() + 40
"""Of the random parts a third holder's sum is split into: those of any two sums differ by at most 2^-40
in statistical distance, for the sums are at most twice ``SUM_AT_MOST`` apart."""
SHIFT = 1 << (SPLIT_BITS + 8)
"""Added on both sides of a comparison, so that neither is negative."""


def run(job: Job, link: Link) -> Result:
    """The protocol. Raises UserError PRV-STATISTICS-VALUE, PRV-STATISTICS-FEW, PRV-NOISE-BUDGET."""
    plan, held = plan_of(job.manifest), holders(job.manifest)
    table = _own(job, link, plan, held)
    values = units_of(table, plan, link.me) if link.me in held and table is not None else None
    if values is not None and len(values) < plan.rows_at_least and plan.measures != ("each",):
        fail("PRV-STATISTICS-FEW", link.me, rows=len(values), least=plan.rows_at_least)
    if plan.threshold is not None:
        return _at_least(link, plan, held, values)
    if plan.measures == ("each",) or plan.totals:
        return _of_subjects(job, link, plan, (table, values))
    vector = (
        None if values is None else vector_of(values, plan, counts=plan.over == "rows" or link.me == held[0])
    )
    if vector is not None and plan.noise is not None:
        vector = _noisy(job, plan, plan.noise, vector)
    adding = secure_sum(bytes.fromhex(job.manifest.digest), link, held, plan.result_to)
    sums = adding.wide("sums", sum(lengths_of(plan)), vector)
    return Result() if sums is None else Result(results_of(sums, plan))


def _own(job: Job, link: Link, plan: Plan, held: Sequence[str]) -> pa.Table | None:
    """Own rows: those with a value, and over subjects those that all have, in the same order."""
    table = job.table
    if table is None:
        return None
    if link.me in held:
        table = table.filter(table.column(table.num_columns - 1).is_valid())
    if plan.over == "rows":
        return table
    return aligned(replace(job, table=table), link, aligning(job.manifest))


def receivers(manifest: Manifest) -> list[str]:
    """See ``Kind``: over subjects, all who align learn ids, whoever the result goes to."""
    plan = plan_of(manifest)
    return [*plan.result_to, *(aligning(manifest) if plan.over == "subjects" else [])]


def _noisy(job: Job, plan: Plan, noise: Noise, vector: list[int]) -> list[int]:
    """Noise on each number, enough by itself; booked first. One row moves each part by its own size."""
    source = job.me.input.source if job.me.input is not None else job.me.name
    spend(job.state, source, noise.rho, noise.budget)
    most = max(abs(plan.units(noise.low)), abs(plan.units(noise.high)))
    lengths = lengths_of(plan)
    parts = sum(1 for length in lengths if length)
    sizes = [s for s, length in zip((1, most, most**2, 1, 1), lengths, strict=True) for _ in range(length)]
    cost = Fraction(noise.cost) / parts
    return [value + _draw(noise, max(size, 1), cost) for value, size in zip(vector, sizes, strict=True)]


def _draw(noise: Noise, size: int, cost: Fraction) -> int:
    """Noise for a number that one row moves by at most ``size``."""
    return laplace(size / cost) if noise.mechanism == "laplace" else gaussian(size**2 / (2 * cost))


def _of_subjects(job: Job, link: Link, plan: Plan, own: tuple[pa.Table | None, Long | None]) -> Result:
    """Totals by subject, in the common order for the asker, shuffled for a receiver."""
    held, (table, values) = holders(job.manifest), own
    if values is not None and plan.totals:
        values = values[common_stream(link, held).order(len(values))]
    if values is not None and link.me == held[0]:
        for name in plan.result_to:
            link.send(name, "subjects", pack({"count": len(values)}))
    receives = link.me in plan.result_to
    count = unpack(link.receive(held[0], "subjects"), held[0], count=int)["count"] if receives else 0
    if receives and (not 0 <= count < 1 << 32 or (table is not None and count != table.num_rows)):
        fail("PRV-MESSAGE", held[0], detail=f"{count} subjects")
    adding = secure_sum(bytes.fromhex(job.manifest.digest), link, held, plan.result_to)
    totals = adding.columns("totals", count if values is None else len(values), values)
    if totals is None:
        return Result()
    return (
        Result(results_of(vector_of(totals, plan), plan))
        if table is None
        else _each(table.column(0), totals, plan)
    )


def _each(keys: pa.ChunkedArray, totals: Long, plan: Plan) -> Result:
    exact = [Decimal(int(total)).scaleb(-plan.decimals) for total in totals]
    column = pa.array(exact, pa.decimal128(38, plan.decimals))
    return Result({"count": len(totals)}, pa.table({"key": keys, "total": column}))


def _at_least(link: Link, plan: Plan, held: Sequence[str], values: Long | None) -> Result:
    """One comparison between the first two holders, to whom the others have split their sums at random."""
    first, second = held[:2]
    if values is not None:
        bit = _compared(link, plan, held, int(values.astype(object).sum()))
        for name in plan.result_to:
            if link.me in (first, second) and name != link.me:
                link.send(name, "answer", pack({"bit": int(bit)}))
    if link.me not in plan.result_to:
        return Result()
    bits = [bit] if link.me in (first, second) else []
    for name in (first, second):
        if name != link.me:
            told = unpack(link.receive(name, "answer"), name, bit=int)["bit"]
            if told not in (0, 1):
                fail("PRV-MESSAGE", name, detail="answer")
            bits.append(bool(told))
    return Result({"at_least": bits[0] != bits[1], "threshold": str(plan.threshold)})


def _compared(link: Link, plan: Plan, held: Sequence[str], own: int) -> bool:
    """This holder's bit; holders beyond the second have none."""
    first, second = held[:2]
    if link.me not in (first, second):
        part = secrets.randbelow(1 << SPLIT_BITS)
        link.send(first, "part", pack({"part": part}))
        link.send(second, "part", pack({"part": own - part}))
        return False
    for name in held[2:]:
        part = unpack(link.receive(name, "part"), name, part=int)["part"]
        if abs(part) >= 1 << (SPLIT_BITS + 1):
            fail("PRV-MESSAGE", name, detail="part")
        own += part
    bits = SHIFT.bit_length() + 1
    if link.me == first:
        return ask(link, second, own + SHIFT, bits)
    assert plan.threshold is not None  # noqa: S101 - only such plans come here
    return answer(link, first, plan.units(plan.threshold) - own + SHIFT, bits)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """The same from all tables at once, without noise."""
    plan, held = plan_of(manifest), holders(manifest)
    valid = {
        name: tables[name].filter(tables[name].column(tables[name].num_columns - 1).is_valid())
        for name in held
    }
    if plan.over == "subjects":
        valid = joined(valid | {party.name: tables[party.name] for party in manifest.having("asker")})
    values = [units_of(valid[name], plan, name) for name in held]
    pooled = np.sum(values, axis=0) if plan.over == "subjects" else np.concatenate(values)
    if plan.threshold is not None:
        total = int(pooled.astype(object).sum())
        result = Result({"at_least": total >= plan.units(plan.threshold), "threshold": str(plan.threshold)})
    elif plan.measures == ("each",):
        result = _each(valid[manifest.only("asker").name].column(0), pooled, plan)
    else:
        result = Result(results_of(vector_of(pooled, plan), plan))
    return {name: result if name in plan.result_to else Result() for name in manifest.names}


KIND = Kind(
    name="statistics",
    version=1,
    title=Text(zh="安全求和与统计", en="Secure sum and statistics"),
    roles=(
        Role("holder", Text(zh="数据持有方", en="holder"), at_least=2, at_most=HOLDERS_AT_MOST),
        Role(
            "receiver",
            Text(zh="结果接收方（不提供数据）", en="receiver without data"),
            0,
            1,
            brings_data=False,
        ),
        Role("asker", Text(zh="查询方（提供所问主体）", en="asker, with the subjects it asks about"), 0, 1),
    ),
    protocols=(
        Protocol(
            "pairwise masks (X25519, HKDF, ChaCha20)",
            "Bonawitz et al., Practical Secure Aggregation for Privacy-Preserving Machine Learning, CCS 2017",
            SEMI_HONEST,
            Text(
                zh="接收方与除一家外的全部持有方合谋，才能得到该家的数",
                en="a holder's number falls only if the receiver and all other holders collude",
            ),
            Text(zh="每家一条消息；百万个数约 0.1 秒", en="one message a holder; about 0.1 s for 1M numbers"),
        ),
        Protocol(
            "comparison on encrypted bits (exponential ElGamal on ristretto255)",
            "Damgård, Geisler, Krøigaard, A correction to Efficient and secure comparison, 2009",
            SEMI_HONEST,
            Text(
                zh="前两家合谋可得其余各家的合计；任一家单独都不能",
                en="the first two holders together learn the sum of the others; neither does alone",
            ),
            Text(zh="约 0.1 秒、17 KB", en="about 0.1 s and 17 KB"),
        ),
        Protocol(
            "discrete Gaussian or Laplace noise, by each holder",
            "Canonne, Kamath, Steinke, The Discrete Gaussian for Differential Privacy, NeurIPS 2020",
            Text(zh="结果的任何使用者", en="anyone who sees the result"),
            Text(
                zh="各家各自加足噪声：其余各方全部合谋也成立",
                en="holds though all other parties collude: each holder adds noise enough by itself",
            ),
            Text(
                zh="误差随持有方数的平方根增长", en="the error grows with the root of the number of holders"
            ),
        ),
    ),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
    receivers=receivers,
)
