"""Why an indicator has no value. Missing is not zero: every null carries one of these codes."""

from __future__ import annotations

from xinqiao.kernel.text import Text

REASONS: dict[str, Text] = {
    "SOURCE_ABSENT": Text(zh="数据湖中没有所需数据源", en="the data source is not in the lake"),
    "FIELD_ABSENT": Text(zh="数据源未提供所需字段", en="the data source does not deliver a field needed"),
    "NO_RECORDS": Text(zh="该企业在数据源中没有记录", en="the source holds no record of the company"),
    "FIELD_EMPTY": Text(zh="该企业的所需字段为空", en="a field needed is empty for this company"),
    "SHORT_HISTORY": Text(zh="历史月数不足", en="the history is too short"),
    "ZERO_DENOMINATOR": Text(zh="分母为零", en="the denominator is zero"),
    "STALE": Text(zh="最近的记录过旧", en="the latest record is too old"),
    "FEW_PEERS": Text(zh="同行业企业过少，无法比较", en="too few firms of the industry to compare with"),
    "NOT_APPLICABLE": Text(zh="对该企业不适用", en="does not apply to this company"),
    "NO_VALUE": Text(zh="公式在现有记录上无定义", en="the formula is undefined on the records at hand"),
}
