from __future__ import annotations

from uuid import UUID

from xinqiao.privacy.node.attempt import folder_name


def test_a_folder_is_named_by_the_whole_id_and_short() -> None:
    """Whoever proposes a job chooses its id: the same end as another's must not give the same folder."""
    one, other = UUID(int=(1 << 100) + 7), UUID(int=(2 << 100) + 7)
    names = {folder_name((job, attempt)) for job in (one, other) for attempt in (1, 2)}
    assert len(names) == 4
    assert all(len(name) <= 20 for name in names)
