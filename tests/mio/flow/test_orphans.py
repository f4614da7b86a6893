import fcntl
from pathlib import Path

from mio.flow.orphans import remove_orphans


def test_only_segments_that_nobody_holds_are_removed(tmp_path: Path):
    held, orphan, other = tmp_path / "1.zenoh", tmp_path / "2.zenoh", tmp_path / "3.else"
    for path in (held, orphan, other):
        path.touch()
    with held.open("rb") as segment:
        fcntl.flock(segment, fcntl.LOCK_SH)
        assert remove_orphans(tmp_path) == []
        assert remove_orphans(tmp_path, older_than_s=0.0) == [orphan]
        assert sorted(tmp_path.iterdir()) == [held, other]
    assert remove_orphans(tmp_path, older_than_s=0.0) == [held]
