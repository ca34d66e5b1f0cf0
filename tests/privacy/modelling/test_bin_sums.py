"""Sums in bins: both private ways equal the plain one, and tell nothing else."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import Link, Recorded, Sent, play
from xinqiao.privacy.job.wire import pack
from xinqiao.privacy.modelling import bin_sums_dealer, bin_sums_paillier
from xinqiao.privacy.modelling.bin_sums import NOWHERE, ROOT, Asker, Bins, Groups, Long, Nodes, Teller
from xinqiao.privacy.modelling.bin_sums_dealer import DealerAsker, DealerTeller, deal
from xinqiao.privacy.modelling.bin_sums_paillier import PaillierAsker, PaillierTeller, together

BITS = 512
LEAST = 5


def some_bins(seed: int, rows: int, sizes: list[int]) -> Bins:
    drawn = np.random.default_rng(seed)
    return Bins.of([drawn.integers(0, size, rows) for size in sizes], sizes)


def questions(seed: int, rows: int) -> list[Nodes]:
    """A root, its two children, and of four grandchildren the three that are asked for."""
    drawn = np.random.default_rng(seed + 1)
    halves = drawn.integers(0, 2, rows).astype(np.uint8)
    fourths = halves * 2 + drawn.integers(0, 2, rows).astype(np.uint8)
    fourths[fourths == 1] = NOWHERE
    fourths[(fourths > 1) & (fourths < NOWHERE)] -= 1
    return [
        Nodes(np.zeros(rows, np.uint8), (ROOT,)),
        Nodes(halves, (0, 0)),
        Nodes(fourths.astype(np.uint8), (0, 1, 1)),
    ]


def ask(side: Asker, offers: list[Long], asked: list[Nodes]) -> list[dict[str, list[list[int]]]]:
    told = []
    for values in offers:
        side.offer(values)
        for nodes in asked:
            found = side.ask(nodes)
            told.append({n: [[g.tolist() for g in node] for node in sums] for n, sums in found.items()})
    side.end()
    return told


def tell(side: Teller, offers: list[Long], asked: list[Nodes]) -> list[list[list[int]]]:
    told = []
    for _ in offers:
        side.take()
        told += [[firsts.tolist() for firsts in side.tell(nodes, LEAST)] for nodes in asked]
    return told


def plain(bins: Bins, offers: list[Long], asked: list[Nodes]) -> list[list[list[list[int]]]]:
    told = []
    for values in offers:
        groups_of = Groups(bins)
        for nodes in asked:
            of_nodes = []
            for node, firsts in enumerate(groups_of.of(nodes, LEAST)):
                rows = nodes.rows(node)
                total = [
                    sum(values[rows][bins.codes[rows].__eq__(b).any(axis=1)].tolist())
                    for b in range(bins.total)
                ]
                groups = np.add.reduceat(np.array(total, dtype=object), firsts)
                each = bins.each(firsts)
                of_nodes.append([g.tolist() for g in np.split(groups, np.cumsum(each)[:-1])])
            told.append(of_nodes)
    return told


@pytest.mark.parametrize("way", ["paillier", "okamoto_uchiyama", "dealer"])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1 << 20), rows=st.integers(1, 80))
def test_both_ways_equal_plain_sums(way: str, seed: int, rows: int) -> None:
    own = {"tax": some_bins(seed, rows, [4, 1, 9]), "power": some_bins(seed + 7, rows, [3])}
    drawn, asked = np.random.default_rng(seed + 2), questions(seed, rows)
    offers = [drawn.integers(-(1 << 50), 1 << 50, rows) for _ in range(2)]
    features = {name: len(bins.edges) - 1 for name, bins in own.items()}

    def bank(link: Link) -> list[dict[str, list[list[int]]]]:
        if way == "dealer":
            return ask(DealerAsker(link, features, "regulator", rows), offers, asked)
        return ask(PaillierAsker(link, features, way, BITS), offers, asked)

    def holder(name: str) -> list[list[list[int]]]:
        def part(link: Link) -> list[list[list[int]]]:
            if way == "dealer":
                return tell(DealerTeller(link, "bank", "regulator", own[name]), offers, asked)
            return tell(PaillierTeller(link, "bank", own[name], way, BITS), offers, asked)

        return part

    parts = {"bank": bank, "tax": holder("tax"), "power": holder("power")}
    if way == "dealer":
        parts["regulator"] = lambda link: deal(link, "bank", ["tax", "power"])
    found = play(parts)
    for name, bins in own.items():
        assert [told[name] for told in found["bank"]] == plain(bins, offers, asked)
        groups = Groups(bins)
        of_nodes = [[firsts.tolist() for firsts in groups.of(nodes, LEAST)] for nodes in asked]
        assert found[name] == of_nodes * len(offers)


@given(st.integers(0, 1 << 20), st.integers(0, 60), st.integers(1, 12))
def test_no_group_is_of_a_few_rows(seed: int, rows: int, least: int) -> None:
    bins = some_bins(seed, rows, [6, 2, 1, 11])
    firsts = bins.joined(np.arange(rows), least)
    assert set(bins.edges[:-1].tolist()) <= set(firsts.tolist())
    assert bins.each(firsts).sum() == len(firsts)
    counts = np.add.reduceat(bins.counts(np.arange(rows)), firsts)
    assert rows < least or counts.min() >= least
    assert counts.sum() == rows * 4


def grown(seed: int, rows: int, bins: Bins) -> list[Nodes]:
    """A root, one of its children or both, and children of the first; parted by chance or by a feature."""
    drawn = np.random.default_rng(seed + 3)
    share = drawn.choice([0.02, 0.1, 0.5])
    first = (bins.codes[:, 0] >= 2) if seed % 3 == 0 else drawn.random(rows) < share
    second = (bins.codes[:, 0] + drawn.integers(0, 2, rows) >= 4) if seed % 2 else drawn.random(rows) < 0.3
    both = np.where(first, 1, 0) if seed % 5 else np.where(first, NOWHERE, 0)
    last = np.where(both == 0, second, NOWHERE)
    return [
        Nodes(np.zeros(rows, np.uint8), (ROOT,)),
        Nodes(both.astype(np.uint8), (0, 0) if seed % 5 else (0,)),
        Nodes(last.astype(np.uint8), (0, 0)),
    ]


def hidden(told: list[np.ndarray], cells: list[np.ndarray]) -> bool:
    """Whether no linear combination of the sums over ``told`` (rows,) is the sum over one of ``cells``."""
    if not told or not cells:
        return True
    matrix, asked = np.stack(told, axis=1).astype(float), np.stack(cells, axis=1).astype(float)
    found = np.linalg.lstsq(matrix, asked, rcond=None)[0]
    return bool((np.abs(matrix @ found - asked).max(axis=0) > 1e-6).all())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 20), st.integers(1, 160), st.integers(1, 12))
def test_no_difference_of_sums_is_of_a_few_rows(seed: int, rows: int, least: int) -> None:
    plain_bins = some_bins(seed, rows, [6, 2, 1, 11])
    counted = np.random.default_rng(seed + 4).random(rows) < 0.8
    bins = replace(plain_bins, counted=counted)
    groups, asked = Groups(bins), grown(seed, rows, bins)
    answers = [groups.of(nodes, least) for nodes in asked]
    for feature, codes in enumerate(bins.codes.T):
        told, few = list[np.ndarray](), list[np.ndarray]()
        above: dict[int, tuple[set[int], np.ndarray]] = {}
        for nodes, answer in zip(asked, answers, strict=True):
            now = {}
            for node, firsts in enumerate(answer):
                own = firsts[(firsts >= bins.edges[feature]) & (firsts < bins.edges[feature + 1])]
                within = (nodes.place == node) & counted
                kept, parent = above.get(nodes.parents[node], (set(own.tolist()), within))
                assert set(own.tolist()) <= kept
                now[node] = (set(own.tolist()), within)
                sides, place = [within, parent & ~within], np.searchsorted(own, codes, side="right")
                if len(own) > 1:
                    parts = [[side & (place == group + 1) for group in range(len(own))] for side in sides]
                    assert all(part.sum() == 0 or part.sum() >= least for p in parts for part in p)
                    told += parts[0]
                cells = [side & (codes == code) for side in sides for code in np.unique(codes)]
                few += [cell for cell in cells if 0 < cell.sum() < least]
            above = now
        assert hidden(told, few)


@pytest.mark.parametrize("way", ["paillier", "dealer"])
def test_parent_less_child_names_no_row(way: str) -> None:
    """The bank knows every row's number; of 400, eight are in the child that isn't asked for."""
    rows, drawn = 400, np.random.default_rng(6)
    bins, values = some_bins(6, rows, [8]), drawn.integers(-(1 << 50), 1 << 50, rows)
    left = np.where(drawn.permutation(rows) < 8, NOWHERE, 0).astype(np.uint8)
    asked = [Nodes(np.zeros(rows, np.uint8), (ROOT,)), Nodes(left, (0,))]
    parts = {
        "bank": lambda link: ask(
            DealerAsker(link, {"tax": 1}, "city", rows)
            if way == "dealer"
            else PaillierAsker(link, {"tax": 1}, bits=BITS),
            [values],
            asked,
        ),
        "tax": lambda link: tell(
            DealerTeller(link, "bank", "city", bins)
            if way == "dealer"
            else PaillierTeller(link, "bank", bins, bits=BITS),
            [values],
            asked,
        ),
    }
    if way == "dealer":
        parts["city"] = lambda link: deal(link, "bank", ["tax"])
    whole, child = (np.cumsum([0, *told["tax"][0][0]]) for told in play(parts)["bank"])
    runs, less = ({int(b - a) for a in sums for b in sums} for sums in (whole, child))
    assert len(whole) > 3
    assert not {run - other for run in runs for other in less} & set(values.tolist())


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(0, 10_000))
def test_features_are_summed_together_each_once(sizes: list[int], rows: int) -> None:
    runs = together(sizes, rows)
    assert [place for first, end in runs for place in range(first, end)] == list(range(len(sizes)))


def test_large_batches_and_matrices_travel_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bin_sums_paillier, "CHUNK", 7)
    monkeypatch.setattr(bin_sums_dealer, "BLOCK_BYTES", 8 * 30 * 4)
    rows, bins = 30, some_bins(3, 30, [4, 5])
    values, asked = [np.arange(rows)], questions(3, rows)
    found = play(
        {
            "bank": lambda link: ask(PaillierAsker(link, {"tax": 2}, bits=BITS), values, asked),
            "tax": lambda link: tell(PaillierTeller(link, "bank", bins, bits=BITS), values, asked),
        }
    )
    dealt = play(
        {
            "bank": lambda link: ask(DealerAsker(link, {"tax": 2}, "city", rows), values, asked),
            "tax": lambda link: tell(DealerTeller(link, "bank", "city", bins), values, asked),
            "city": lambda link: deal(link, "bank", ["tax"]),
        }
    )
    assert [told["tax"] for told in found["bank"]] == plain(bins, values, asked)
    assert dealt["bank"] == found["bank"]


def transcripts(values: Long, bins: Bins, *, dealt: bool) -> dict[str, Recorded]:
    """What each party sees and sends for one question over all rows."""
    ends: dict[str, Recorded] = {}

    def recorded(link: Link) -> Link:
        ends[link.me] = Recorded(link, keep=True)
        return ends[link.me]

    asked, rows = [Nodes(np.zeros(len(values), np.uint8), (ROOT,))], len(values)
    features = len(bins.edges) - 1
    parts = {
        "bank": lambda link: ask(
            DealerAsker(link, {"tax": features}, "city", rows)
            if dealt
            else PaillierAsker(link, {"tax": features}, bits=BITS),
            [values],
            asked,
        ),
        "tax": lambda link: tell(
            DealerTeller(link, "bank", "city", bins)
            if dealt
            else PaillierTeller(link, "bank", bins, bits=BITS),
            [values],
            asked,
        ),
    }
    if dealt:
        parts["city"] = lambda link: deal(link, "bank", ["tax"])
    play(parts, recorded)
    return ends


def eights(line: Sent) -> int:
    """A message's size but for a few bytes; a fresh key's numbers, written in digits, differ by more."""
    return line.size_bytes // (64 if line.tag == "bins.key" else 8)


@pytest.mark.parametrize("dealt", [False, True])
def test_sizes_and_tags_do_not_depend_on_what_is_hidden(*, dealt: bool) -> None:
    """The outline of each party's view follows from rows, bins and groups alone: a simulator can write it."""
    rows, sizes = 60, [3, 4]
    drawn = np.random.default_rng(1)
    even = np.stack([np.arange(rows) % 3, np.arange(rows) % 4], axis=1)
    outlines = []
    for values in (np.zeros(rows, np.int64), drawn.integers(-(1 << 40), 1 << 40, rows)):
        bins = Bins.of(list(drawn.permutation(even).T), sizes)
        ends = transcripts(values, bins, dealt=dealt)
        outlines.append(
            {n: [(s.direction, s.peer, s.tag, eights(s)) for s in e.lines] for n, e in ends.items()}
        )
    assert outlines[0] == outlines[1]


@pytest.mark.parametrize("dealt", [False, True])
def test_payloads_hold_neither_numbers_nor_bins(*, dealt: bool) -> None:
    rows, sizes = 400, [8, 8]
    drawn = np.random.default_rng(2)
    bins, values = some_bins(2, rows, sizes), drawn.integers(1 << 40, 1 << 41, rows)
    ends = transcripts(values, bins, dealt=dealt)
    secret = [int(v).to_bytes(8, order) for v in values for order in ("little", "big")]
    secret += [values.tobytes(), bins.codes.tobytes(), bins.codes.astype(np.uint8).tobytes()]
    secret += [str(v).encode() for v in values]
    for end in ends.values():
        for line, payload in end.payloads:
            assert not any(piece in payload for piece in secret), line
            if line.tag in {"bins.values", "matrix", "factor", "product"}:
                body = np.frombuffer(payload[4 + int.from_bytes(payload[:4], "big") :], np.uint8)
                body = body[body.size % 8 :] if dealt else body.reshape(-1, 128)[:, 8:].ravel()
                spread = np.bincount(body, minlength=256)
                expected = body.size / 256
                assert float(((spread - expected) ** 2 / expected).sum()) < 255 + 6 * np.sqrt(510), line


def test_what_a_bank_receives_can_be_made_from_the_sums_alone() -> None:
    """Paillier: fresh encryptions of the sums and what the teller sent lie in the same group, evenly."""
    rows = 40
    bins, values = some_bins(5, rows, [2]), np.arange(rows)
    seen = []
    for _ in range(2):
        ends = transcripts(values, bins, dealt=False)
        seen += [p for line, p in ends["bank"].payloads if line.tag == "bins.sums"]
    assert len(set(seen)) == 2
    assert len({len(payload) for payload in seen}) == 1


BAD = [
    {"each": np.array([9], np.int64), "sums": np.zeros((1, BITS // 4), np.uint8)},
    {"each": np.array([0], np.int64), "sums": np.zeros((1, BITS // 4), np.uint8)},
    {"each": np.array([1], np.int64), "sums": np.zeros((1, BITS // 4), np.uint8)},
    {"each": np.array([1.0]), "sums": np.ones((1, BITS // 4), np.uint8)},
    {"each": np.array([1], np.int64), "sums": np.ones((2, BITS // 4), np.uint8)},
]


@pytest.mark.parametrize("told", BAD)
def test_wrong_answers_end_the_job(told: dict[str, np.ndarray]) -> None:
    nodes = Nodes(np.zeros(3, np.uint8), (ROOT,))

    def tax(link: Link) -> None:
        link.receive("bank", "bins.key")
        link.receive("bank", "bins.values")
        link.send("bank", "bins.sums", pack(told))

    with pytest.raises(UserError, match=r"PRV-MESSAGE|PRV-PAILLIER"):
        play(
            {
                "bank": lambda link: ask(PaillierAsker(link, {"tax": 1}, bits=BITS), [np.arange(3)], [nodes]),
                "tax": tax,
            }
        )


@pytest.mark.parametrize(
    ("firsts", "sums"),
    [([0, 9], [1, 1]), ([1], [1]), ([0, 0], [1, 1]), ([0], [1, 1]), ([], [])],
)
def test_wrong_groups_of_a_dealt_sum_end_the_job(firsts: list[int], sums: list[int]) -> None:
    nodes, bins = Nodes(np.zeros(3, np.uint8), (ROOT,)), some_bins(1, 3, [4])

    def tax(link: Link) -> None:
        side = DealerTeller(link, "bank", "city", bins)
        side.take()
        bin_sums_dealer.shared(side._member, side._held, np.zeros((3, 1), np.uint64))
        told = {"firsts": np.array(firsts, np.int64), "sums": np.array(sums, np.uint64)}
        link.send("bank", "bins.sums", pack(told))
        time.sleep(0.01)

    with pytest.raises(UserError, match="PRV-MESSAGE"):
        play(
            {
                "bank": lambda link: ask(DealerAsker(link, {"tax": 1}, "city", 3), [np.arange(3)], [nodes]),
                "tax": tax,
                "city": lambda link: deal(link, "bank", ["tax"]),
            }
        )
