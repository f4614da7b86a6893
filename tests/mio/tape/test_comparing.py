import json
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.messages import AudioChunk, Message, Reply
from mio.contracts.wire import encode
from mio.runtime.tee import TapeEvent, digest, payload_bytes
from mio.tape.comparing import compare
from mio.tape.contents import Tape
from mio.tape.format import Row, TapeError, TapeWriter


def tape(path: Path, sent: list[tuple[str, Message, int]], *, first_seq: int = 0, headers_only: bool = False) -> Tape:
    """A tape of messages ``(port, message, at_ns)`` of one node."""
    with path.open("wb", buffering=0) as file:
        writer = TapeWriter(file, {})
        start = TapeEvent(0, "start", header=json.dumps({"node": "node"}))
        writer.add(Row("node", 0, start))
        for number, (port, message, at_ns) in enumerate(sent):
            wire = encode(message, seq=first_seq + number, sent_ns=at_ns, host=path.name)
            data = payload_bytes(wire.value)
            kept = (b"", "", b"") if headers_only else (data, str(wire.value.type), digest(wire.metadata, data))
            event = TapeEvent(at_ns, "send", port, first_seq + number, 0, json.dumps(wire.metadata), *kept)
            writer.add(Row("node", 0, event))
        writer.close({})
    return Tape(path)


def replies(*texts: str, every_ns: int = 1_000_000, from_ns: int = 0) -> list[tuple[str, Message, int]]:
    return [("reply", Reply(text=text), from_ns + number * every_ns) for number, text in enumerate(texts)]


def test_the_same_content_at_another_time_is_equal(tmp_path: Path) -> None:
    a = tape(tmp_path / "a", replies("one", "two"))
    b = tape(tmp_path / "b", replies("one", "two", from_ns=10**12), first_seq=50)
    (one,) = compare(a, b)
    assert one.same
    assert (one.counts, one.equal) == ((2, 2), 2)
    assert one.later_ms == (0.0, 0.0)


def test_a_recording_that_began_later_is_laid_over_where_both_have_the_same(tmp_path: Path) -> None:
    a = tape(tmp_path / "a", replies("one", "two", "three", "four"))
    b = tape(tmp_path / "b", replies("three", "four", "five"))
    (one,) = compare(a, b)
    assert (one.equal, one.missing, one.extra, one.first) == (2, 2, 1, "")
    assert not one.same


def test_texts_that_differ_are_shown_with_the_first_difference(tmp_path: Path) -> None:
    a, b = tape(tmp_path / "a", replies("one", "two")), tape(tmp_path / "b", replies("one", "2"))
    (one,) = compare(a, b)
    assert (one.first, one.texts) == ("number 1: payload", (("two", "2"),))
    c = tape(tmp_path / "c", [("reply", Reply(text="one", emotion="joy"), 0)])
    (other,) = compare(tape(tmp_path / "d", replies("one")), c)
    assert other.first == "number 0: emotion 'neutral' and 'joy'"


def test_sound_that_differs_has_a_distance(tmp_path: Path) -> None:
    def sound(level: float) -> list[tuple[str, Message, int]]:
        return [("audio", AudioChunk(samples=np.full(100, level, np.float32)), 0)]

    (one,) = compare(tape(tmp_path / "a", sound(0.5)), tape(tmp_path / "b", sound(0.25)))
    assert one.distance == (0.25, 0.25)
    assert one.first == "number 0: payload"


def test_timing_is_compared_after_taking_out_the_offset_of_the_tapes(tmp_path: Path) -> None:
    texts = [str(number) for number in range(21)]
    late = [(port, m, at + (5_000_000 if number == 20 else 0)) for number, (port, m, at) in enumerate(replies(*texts))]
    (one,) = compare(tape(tmp_path / "a", replies(*texts)), tape(tmp_path / "b", late))
    assert one.same
    assert one.later_ms == (0.0, 0.0)
    (other,) = compare(
        tape(tmp_path / "c", replies("x", "y")), tape(tmp_path / "d", replies("x", "y", every_ns=3 * 10**6))
    )
    assert other.later_ms == (0.0, 1.0)


def test_tapes_without_payloads_cannot_be_compared(tmp_path: Path) -> None:
    a = tape(tmp_path / "a", replies("one"), headers_only=True)
    with pytest.raises(TapeError, match="headers only"):
        compare(a, a)


def test_a_stream_that_only_one_of_them_has_is_missing(tmp_path: Path) -> None:
    a = tape(tmp_path / "a", [*replies("one"), ("other", Reply(text="x"), 5)])
    b = tape(tmp_path / "b", replies("one"))
    other, reply = compare(a, b)
    assert (other.name, other.missing, other.same) == ("node/other", 1, False)
    assert reply.same
    assert [one.name for one in compare(a, b, ["nobody"])] == []
