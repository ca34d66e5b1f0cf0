from __future__ import annotations

import pytest

from xinqiao.kernel.errors import UserError
from xinqiao.privacy.job.link import play
from xinqiao.privacy.protocol.sealed_ids import Sealed, agree


def both() -> dict[str, Sealed]:
    def part(peer: str) -> object:
        return lambda link: agree(b"job", link, peer)

    return play({"bank": part("tax"), "tax": part("bank")})  # type: ignore[dict-item]


def test_ids_reach_the_other_end_in_order() -> None:
    ends = both()
    for ids in (["甲", "乙"], ["甲"], []):
        sealed = ends["bank"].seal(ids)
        assert not any(each.encode() in sealed for each in ids)
        assert ends["tax"].open(sealed, len(ids)) == ids


def test_what_was_changed_replayed_or_of_another_length_is_refused() -> None:
    for change in ("cut", "again", "count"):
        ends = both()
        sealed, count = ends["bank"].seal(["a"]), 2 if change == "count" else 1
        if change == "again":
            ends["tax"].open(sealed, 1)
        with pytest.raises(UserError, match="PRV-MESSAGE"):
            ends["tax"].open(sealed[:-1] if change == "cut" else sealed, count)
