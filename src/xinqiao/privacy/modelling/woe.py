"""Weight of evidence (WOE) and information value (IV) of holders' features by a bank's label.

Each holder bins its features without any label, joins bins of few rows and shuffles them; the bank learns
how many goods and bads are in each bin, but not which range of values a bin is. Holders learn nothing of
labels. The sums are those of ``modelling.bin_sums``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.privacy.alignment.alignment import aligned
from xinqiao.privacy.job.kind import Job, Kind, Protocol, Result, Role
from xinqiao.privacy.job.link import Link
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling.bin_sums import ROOT, Bins, Long, Nodes, Sums
from xinqiao.privacy.modelling.bin_sums_dealer import deal
from xinqiao.privacy.modelling.label_features import (
    Floats,
    LabelParams,
    asker,
    binned,
    columns_of,
    data_holders,
    joined_plain,
    label_of,
    read_params,
    teller,
)
from xinqiao.scoring.binning import DIGITS
from xinqiao.scoring.merging import Rules, Totals

PACKED = 32
"""Bits by which a row's count stands above its label, so that one sum tells both."""


def check(manifest: Manifest) -> None:
    """See Kind."""
    read_params(LabelParams, manifest)


def run(job: Job, link: Link) -> Result:
    """See Kind."""
    manifest, params = job.manifest, read_params(LabelParams, job.manifest)
    holders = [party.name for party in manifest.having("holder")]
    bank = manifest.only("bank").name
    if job.me.role == "dealer":
        deal(link, bank, holders)
        return Result()
    table = aligned(job, link, data_holders(manifest))
    job.progress(0.3)
    if job.me.role == "holder":
        bins = _shuffled(_joined(manifest, table, job.me.name, params))
        side = teller(job, link, bins)
        side.take()
        side.tell(_root(table.num_rows), 1)
        return Result({"rows": table.num_rows})
    label = _label(table, params, bank)
    ask = asker(job, link, table.num_rows)
    ask.offer(label.astype(np.int64) + (1 << PACKED))
    sums = {name: told[0] for name, told in ask.ask(_root(table.num_rows)).items()}
    ask.end()
    return _result(manifest, label, sums)


def plain(manifest: Manifest, tables: Mapping[str, pa.Table]) -> Mapping[str, Result]:
    """See Kind."""
    params, bank = read_params(LabelParams, manifest), manifest.only("bank").name
    rows = joined_plain(manifest, tables)
    label = _label(rows[bank], params, bank)
    sums = {}
    for party in manifest.having("holder"):
        bins = _joined(manifest, rows[party.name], party.name, params)
        sums[party.name] = tuple(
            np.bincount(codes - first, weights=label + 2.0**PACKED, minlength=end - first).astype(np.int64)
            for codes, first, end in zip(bins.codes.T, bins.edges[:-1], bins.edges[1:], strict=True)
        )
    told = {name: Result({"rows": len(label)}) for name in sums} | {bank: _result(manifest, label, sums)}
    return told | {party.name: Result() for party in manifest.having("dealer")}


def _root(rows: int) -> Nodes:
    return Nodes(np.zeros(rows, np.uint8), (ROOT,))


def _label(table: pa.Table, params: LabelParams, where: str) -> Floats:
    if table.num_rows < params.least:
        fail("PRV-LABEL-ROWS", where, rows=table.num_rows, least=params.least)
    return label_of(table, params.label, where)


def _joined(manifest: Manifest, table: pa.Table, name: str, params: LabelParams) -> Bins:
    """The holder's features in bins of at least ``least`` rows."""
    if table.num_rows < params.least:
        fail("PRV-LABEL-ROWS", name, rows=table.num_rows, least=params.least)
    _, bins = binned(table, columns_of(manifest.party(name)), params.bins)
    firsts = bins.joined(np.arange(table.num_rows), params.least)
    codes = np.searchsorted(firsts, bins.codes, side="right") - 1
    return Bins(codes.astype(np.int64), np.searchsorted(firsts, bins.edges).astype(np.int64))


def _shuffled(bins: Bins) -> Bins:
    """The bins of each feature in a random order."""
    order = np.arange(bins.total)
    for first, end in zip(bins.edges[:-1].tolist(), bins.edges[1:].tolist(), strict=True):
        places = list(range(first, end))
        secrets.SystemRandom().shuffle(places)
        order[first:end] = places
    return Bins(order[bins.codes], bins.edges)


def _result(manifest: Manifest, label: Floats, sums: Mapping[str, Sums]) -> Result:
    """What the bank learns: a table of bins, by WOE and size within a feature, and each feature's IV."""
    totals, value = Totals(float(len(label)), float(label.sum())), dict[str, dict[str, float]]()
    lines: list[tuple[str, str, int, int, float]] = []
    for name, features in sums.items():
        value[name] = {}
        for column, groups in zip(columns_of(manifest.party(name)), features, strict=True):
            told = [(good, bad, woe) for woe, good, bad in _evidence(groups, totals, name)]
            lines += [(name, column, *line) for line in told]
            value[name][column] = _value(told, totals)
    names = ("party", "column", "good", "bad", "woe")
    table = pa.table({n: list(c) for n, c in zip(names, zip(*lines, strict=True), strict=True)})
    return Result({"rows": len(label), "bads": int(label.sum()), "iv": value}, table)


def _evidence(groups: Long, totals: Totals, source: str) -> list[tuple[float, int, int]]:
    """WOE, goods and bads of each bin, least WOE first. Raises UserError PRV-MESSAGE for wrong counts."""
    count, bad = groups >> PACKED, groups & ((1 << PACKED) - 1)
    whole = int(count.sum()) == totals.n and int(bad.sum()) == totals.bad
    if not whole or (count < 1).any() or (bad > count).any():
        fail("PRV-MESSAGE", source, detail="counts")
    smoothing = Rules().smoothing
    pairs = zip(count.tolist(), bad.tolist(), strict=True)
    return sorted((round(totals.woe(n, b, smoothing), DIGITS) + 0.0, n - b, b) for n, b in pairs)


def _value(bins: list[tuple[int, int, float]], totals: Totals) -> float:
    goods = totals.n - totals.bad
    return round(sum((good / goods - bad / totals.bad) * woe for good, bad, woe in bins), DIGITS)


def learns(manifest: Manifest) -> Mapping[str, tuple[Text, ...]]:
    """See Kind."""
    common = Text(
        zh="各方共有的标识，以及其他各方的行数", en="the common ids, and the numbers of rows of the others"
    )
    told: dict[str, tuple[Text, ...]] = {party.name: (common,) for party in manifest.having("holder")}
    counts = Text(
        zh="每个特征各箱的好、坏客户数与 IV；箱的顺序打乱，不知其取值范围",
        en="goods and bads in each bin of each feature, and its IV; bins are shuffled, their ranges unknown",
    )
    lie = Text(
        zh="若谎报标签（例如只把一行记为坏），可得知该行所在的箱；由次数预算约束",
        en="a bank that lies about labels (one row alone as bad) learns that row's bins; bounded by budget",
    )
    told[manifest.only("bank").name] = (common, counts, lie)
    size = Text(
        zh="行数、特征数、箱数；不知标识、标签与取值",
        en="numbers of rows, features and bins; no id, label or value",
    )
    return told | {party.name: (size,) for party in manifest.having("dealer")}


BANK = Role("bank", Text(zh="银行（有标签）", en="bank with the label"))
HOLDER = Role("holder", Text(zh="数据提供方（有特征）", en="holder of features"), at_least=1, at_most=8)
DEALER = Role(
    "dealer",
    Text(zh="随机数提供方（无数据）", en="dealer of randomness, without data"),
    at_least=0,
    brings_data=False,
    receives=False,
)
FOLLOWS = Text(
    zh="半诚实：各方按协议执行但好奇", en="semi-honest: parties follow the protocol and are curious"
)
PAILLIER = Protocol(
    name="paillier",
    paper="Paillier, Eurocrypt 1999; Damgard, Jurik, Nielsen, IJIS 9 (2010); Cheng et al., SecureBoost, 2021",
    adversary=FOLLOWS,
    collusion=Text(
        zh="无第三方；任意多个提供方合谋也不知标签",
        en="no third party; holders learn no label however many collude",
    ),
    cost=Text(
        zh="每行一次加密（2048 位，约 0.4 毫秒）与 512 字节；每行每特征约一次 4096 位模乘",
        en="a row: an encryption (2,048 bits, 0.4 ms), 512 bytes, about a product of 4,096 bits a feature",
    ),
)
OKAMOTO = Protocol(
    name="okamoto_uchiyama",
    paper="Okamoto, Uchiyama, Eurocrypt 1998; Cheng et al., SecureBoost, 2021",
    adversary=Text(
        zh="半诚实；提供方若发送超范围密文并观察后果，可破解密钥，故只用于按协议执行的各方",
        en="semi-honest only: a holder that sends ciphertexts out of range and watches what follows can find"
        " the key",
    ),
    collusion=PAILLIER.collusion,
    cost=Text(
        zh="约为 Paillier 的三分之一，字节约一半",
        en="about a third of Paillier's, and half of its bytes",
    ),
)
DEALT = Protocol(
    name="dealer",
    paper="Beaver, CRYPTO 1991",
    adversary=FOLLOWS,
    collusion=Text(
        zh="随机数提供方与任一方合谋即可知另一方的输入",
        en="a dealer that colludes with one party learns the other's input",
    ),
    cost=Text(
        zh="掩码矩阵一次：行数 x 箱数 x 8 字节；此后每次每行 8 字节",
        en="once a masked matrix of rows x bins x 8 bytes; then 8 bytes a row and question",
    ),
)
KIND = Kind(
    name="woe",
    version=1,
    title=Text(zh="联合 WOE 与 IV", en="WOE and IV of others' features"),
    roles=(BANK, HOLDER, DEALER),
    protocols=(PAILLIER, OKAMOTO, DEALT),
    check=check,
    learns=learns,
    run=run,
    plain=plain,
)
