"""The drift page: how companies, their values and their defaults moved since the model was made."""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.kernel.text import Text
from xinqiao.report.model_card import stability_in_words
from xinqiao.report.page import render


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """A group of companies at both dates; ``moved``: the variables whose bins moved most, by their index."""

    segment: Text
    industry: str
    before: int
    after: int
    score: float
    chance: float
    moved: tuple[tuple[Text, float], ...]

    @property
    def verdict(self) -> Text:
        """The usual reading, unless chance alone explains the index."""
        if self.score <= self.chance:
            return Text(zh="在偶然范围内", en="within chance")
        return stability_in_words(self.score)


@dataclass(frozen=True, slots=True)
class VintageRow:
    """Bad companies seen over expected, with the 95 % interval of their ratio."""

    as_of: str
    learned: bool
    segment: Text
    industry: str
    companies: int
    seen: int
    expected: float
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> Text:
        """Whether the interval leaves out one."""
        if self.low > 1:
            return Text(zh="低估风险", en="risk understated")
        if self.high < 1:
            return Text(zh="高估风险", en="risk overstated")
        return Text(zh="相符", en="in line")


@dataclass(frozen=True, slots=True)
class DriftPage:
    """What the page shows, as plain values."""

    dataset: Text
    generated: bool
    model_id: str
    before: str
    after: str
    shifts: tuple[ShiftRow, ...]
    vintages: tuple[VintageRow, ...]
    home: str
    card: str


def render_drift(view: DriftPage) -> str:
    """The page as one self-contained HTML document."""
    title = Text(zh="稳定性与漂移", en="Stability and drift")
    return render("drift.html", page=view, title=title)
