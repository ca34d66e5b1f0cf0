from __future__ import annotations

from defusedxml.ElementTree import fromstring

from xinqiao.kernel.text import Text
from xinqiao.report.charts.curves import CalibrationBin, KsPoint, Roc, calibration, ks, roc

TITLE = Text(zh="标题", en="title")
CARD = Text(zh="评分卡", en="scorecard")


def test_roc_states_the_area_under_its_points() -> None:
    # (0,0) (0.2,0.8) (1,1): 0.2*0.4 + 0.8*0.9 = 0.8
    assert "评分卡 0.800" in roc(TITLE, [Roc(CARD, ((0, 0), (0.2, 0.8), (1, 1)))])


def test_roc_states_the_given_auc_instead() -> None:
    assert "评分卡 0.884" in roc(TITLE, [Roc(CARD, ((0, 0), (1, 1)), 0.8843)])


def test_calibration_puts_perfect_bins_on_the_diagonal() -> None:
    svg = calibration(TITLE, [CalibrationBin(0.5, 0.5, 0.3, 0.7, 20)])
    dot = next(e for e in fromstring(svg).iter("circle"))
    assert abs(float(dot.attrib["cx"].rstrip("%")) / 100 - (1 - float(dot.attrib["cy"]) / 220)) < 0.001
    assert "预测 50.0%，实际 50.0%（20 家）" in svg


def test_ks_marks_the_widest_gap() -> None:
    points = [KsPoint(500, 0, 0), KsPoint(550, 0.1, 0.7), KsPoint(600, 0.6, 0.9), KsPoint(650, 1, 1)]
    assert "KS 0.600" in ks(TITLE, points)


def test_no_data_is_well_formed() -> None:
    for svg in (ks(TITLE, []), roc(TITLE, []), calibration(TITLE, [])):
        assert fromstring(svg).tag == "figure"
