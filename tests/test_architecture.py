"""The picture in ARCHITECTURE.md is the import contract, and the code obeys it (make lint)."""

import importlib
import re
import tomllib
from pathlib import Path

from xinqiao.kernel.errors import wording

ROOT = Path(__file__).parent.parent


def test_the_table_of_layers_is_the_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    table = re.search(r"<!-- layers.*?-->(.*?)<!-- /layers -->", text, re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|$", table.group(1), re.MULTILINE)
    assert [name for name, _ in rows] == [name for layer in contract["layers"] for name in layer.split(" | ")]
    for name, purpose in rows:
        told = importlib.import_module(f"xinqiao.{name}").__doc__ or ""
        assert told.split("\n", 1)[0] == purpose


def test_every_error_code_is_used_and_every_used_code_has_wording() -> None:
    source = "\n".join(p.read_text("utf-8") for p in (ROOT / "src").rglob("*.py"))
    used = set(re.findall(r'"([A-Z]{2,5}(?:-[A-Z0-9]+)+)"', source))
    known = set(wording())
    assert known - used == set()
    prefixes = {code.split("-")[0] for code in known}
    assert {code for code in used if code.split("-")[0] in prefixes} - known == set()
