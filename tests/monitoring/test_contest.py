"""Ways of warning beside each other on borrowers of known fate."""

from __future__ import annotations

from datetime import date

from tests.monitoring.panels import LAST, made
from xinqiao.monitoring.contest import WAYS, contest
from xinqiao.monitoring.panel import month_ends


def test_the_model_and_signals_warn_where_days_overdue_say_nothing() -> None:
    ticks: list[date] = []
    found = contest(made(), month_ends(date(2023, 7, 31), LAST), 0.1, samples=30, tick=ticks.append)
    by = {way.way: way for way in found.ways}
    assert list(by) == list(WAYS)
    assert ticks == [date(2023, 7, 31), date(2023, 10, 31), date(2024, 1, 31), date(2024, 4, 30)]
    assert by["days"].named == 0
    assert by["hazard"].precision.value > 2 * by["random"].precision.value
    assert by["signals"].precision.value > by["random"].precision.value
    assert by["hazard"].far.value > by["random"].far.value
    assert by["hazard"].lead_30.value > 2
    assert found.auc[12] > 0.7
    assert 0 < found.base < 1
    lift = {key: share for key, spoke, share in found.by_signal if spoke}
    assert lift["W101"] > 2 * found.base
