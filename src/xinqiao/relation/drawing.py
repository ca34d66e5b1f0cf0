"""The chains behind a company as an SVG picture: the company below, its holders layer by layer above."""

from __future__ import annotations

from html import escape

from xinqiao.relation.penetration import Party, Penetration, Step

WIDE, HIGH, GAP, RISE = 190, 44, 24, 56
"""Pixels: a box, the gap between boxes and between layers."""
NEAR = 0.35
"""Where on a line its share stands, from the holder."""
LETTERS = 22
"""Of an id that fit in a box."""
MOST_BOXES = 120
"""Parties drawn; beyond them the table in words is the better picture."""
_STYLE = (
    "text{font:12px system-ui,'Noto Sans CJK SC',sans-serif;fill:#1c2733}"
    ".b{fill:#eef3f8;stroke:#5b7690}.p{fill:#fff6e6;stroke:#b27b1e}.c{stroke-width:3}"
    "line{stroke:#5b7690}.s{font-size:11px;fill:#44525f}"
)


def drawn(found: Penetration) -> str:
    """An SVG document; the actual controller's box has a thick frame, people's boxes another colour."""
    steps = _steps(found)
    level = _levels(found.company, steps)
    rows: dict[int, list[Party]] = {}
    for party in sorted(level, key=lambda p: (level[p], p.id)):
        rows.setdefault(level[party], []).append(party)
    width = max(len(row) for row in rows.values()) * (WIDE + GAP) + GAP
    height = (max(rows) + 1) * (HIGH + RISE) + GAP + 20
    at = {
        party: (
            (width - len(row) * (WIDE + GAP) + GAP) / 2 + place * (WIDE + GAP),
            GAP + (max(rows) - layer) * (HIGH + RISE),
        )
        for layer, row in rows.items()
        for place, party in enumerate(row)
    }
    parts = [_line(at[step.holder], at[step.firm], step.share) for step in steps]
    parts += [_box(party, at[party], found) for party in at]
    title = f"{found.company.id} 股权穿透 {found.as_of} / who stands behind it"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{''.join(parts)}"
        f'<text class="s" x="{GAP}" y="{height - 8:g}">{escape(str(found.state))}</text>'
        "</svg>\n"
    )


def _steps(found: Penetration) -> list[Step]:
    """Every holding on a chain once, of as many parties as can be drawn."""
    chains = [*found.control_chains, *(chain for holder in found.holders for chain in holder.chains)]
    parties, steps = {found.company}, dict[Step, None]()
    for chain in chains:
        more = {party for step in chain for party in (step.firm, step.holder)}
        if len(parties | more) <= MOST_BOXES:
            parties |= more
            steps |= dict.fromkeys(chain)
    return list(steps)


def _levels(company: Party, steps: list[Step]) -> dict[Party, int]:
    """Layers above the company: one more than the lowest firm that a party holds."""
    level = {company: 0}
    for _ in steps:
        for step in steps:
            if step.firm in level and step.holder not in level:
                level[step.holder] = level[step.firm] + 1
    return level


def _line(holder: tuple[float, float], firm: tuple[float, float], share: float) -> str:
    x1, y1 = holder[0] + WIDE / 2, holder[1] + HIGH
    x2, y2 = firm[0] + WIDE / 2, firm[1]
    x, y = x1 + NEAR * (x2 - x1) + 4, y1 + NEAR * (y2 - y1)  # near the holder: lines cross in the middle
    words = f'<text class="s" x="{x:g}" y="{y:g}">{share:.2%}</text>'
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>{words}'


def _box(party: Party, at: tuple[float, float], found: Penetration) -> str:
    kind = ("p" if party.kind == "person" else "b") + (" c" if party == found.controller else "")
    stake = next((f"最终持股 {h.share:.2%}" for h in found.holders if h.party == party), "")
    name = party.id if len(party.id) <= LETTERS else party.id[: LETTERS - 1] + "…"
    label = f'<text x="{at[0] + 8:g}" y="{at[1] + 18:g}">{escape(name)}</text>'
    label += f'<text class="s" x="{at[0] + 8:g}" y="{at[1] + 35:g}">{escape(stake)}</text>'
    hint = f"<title>{escape(party.id)}</title>"
    return (
        f'<g>{hint}<rect class="{kind}" x="{at[0]:g}" y="{at[1]:g}" width="{WIDE}" height="{HIGH}" rx="5"/>'
        f"{label}</g>"
    )
