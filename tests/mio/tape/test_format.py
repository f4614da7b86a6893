import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.contracts.messages import Reply, Speech, VideoFrame
from mio.contracts.wire import decode, encode
from mio.runtime.tee import TapeEvent, digest, payload_bytes
from mio.tape.format import Row, TapeError, TapeWriter, metadata_of, read_tape, value_of


class _Disk(io.BytesIO):
    name = "memory.tape"

    def close(self) -> None:
        pass


def events(count: int) -> list[TapeEvent]:
    return [TapeEvent(at_ns=n, event="pull", port="x", seq=n, data=bytes([n % 256]) * (n % 50)) for n in range(count)]


def written(count: int, per_batch: int) -> tuple[bytes, list[int]]:
    """A tape, and its length after each batch."""
    disk = _Disk()
    writer = TapeWriter(disk, {})
    ends: list[int] = []
    for number, event in enumerate(events(count)):
        writer.add(Row("node", 0, event))
        if number % per_batch == per_batch - 1:
            writer.flush()
            ends.append(disk.tell())
    writer.close({})
    return disk.getvalue(), ends


TAPE, ENDS = written(400, 20)


def read(path: Path) -> list[TapeEvent]:
    return [row.event for row in read_tape(path) if row.node != "tape"]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=ENDS[0], max_value=len(TAPE)))
def test_a_tape_cut_off_anywhere_gives_all_batches_before_the_cut(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "cut.tape"
    path.write_bytes(TAPE[:cut])
    whole_batches = sum(end <= cut for end in ENDS)
    assert read(path) == events(400)[: whole_batches * 20]


def test_a_message_is_the_same_when_it_comes_from_the_tape(tmp_path: Path) -> None:
    message = Speech(samples=np.linspace(-1, 1, 1920, dtype=np.float32), start_sample=3840, phones=["a"],
                     phone_start_s=[0.1], phone_stress=[1], words=["ah"], word_start_s=[0.0], word_end_s=[1 / 3],
                     word_char=[0])  # fmt: skip
    wire = encode(message, seq=7, sent_ns=123456789012345, host="here")
    path = tmp_path / "one.tape"
    with path.open("wb", buffering=0) as file:
        writer = TapeWriter(file, {})
        import json

        data = payload_bytes(wire.value)
        writer.add(
            Row(
                "talker", 2, TapeEvent(1, "send", "speech", 7, 5, json.dumps(wire.metadata), data, str(wire.value.type))
            )
        )
        writer.close({})
    (event,) = read(path)
    again = decode(value_of(event, "speech"), metadata_of(event))
    assert isinstance(again, Speech)
    for field in message.__struct_fields__:
        if field not in ("samples", "seq", "sent_ns", "host"):
            assert getattr(again, field) == getattr(message, field)
    assert (again.samples == message.samples).all()
    assert (again.seq, again.sent_ns, again.host) == (7, 123456789012345, "here")


def test_the_digest_is_that_of_the_content_whenever_it_was_sent() -> None:
    def of(text: str, **fields: int) -> bytes:
        wire = encode(Reply(text=text, origin_ns=fields.get("origin_ns", 0)), seq=0, sent_ns=fields["at"], host="a")
        return digest(wire.metadata, payload_bytes(wire.value))

    assert of("yes", at=1) == of("yes", at=2, origin_ns=9)
    assert of("yes", at=1) != of("no", at=1)


def test_a_slice_of_an_array_gives_only_its_own_bytes() -> None:
    array = pa.array(np.arange(10, dtype=np.float32))
    assert payload_bytes(array.slice(3, 2)) == np.array([3, 4], np.float32).tobytes()


def test_another_file_is_refused_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "no.tape"
    path.write_bytes(b"something else entirely" * 10)
    with pytest.raises(TapeError, match="name a tape"):
        list(read_tape(path))
    with pytest.raises(TapeError, match="No such file"):
        list(read_tape(tmp_path / "missing.tape"))


def test_a_payload_that_was_not_kept_is_said_to_be_missing() -> None:
    with pytest.raises(TapeError, match="talker/speech number 3 is not on the tape"):
        value_of(TapeEvent(1, "send", "speech", 3), "talker/speech")


def test_pictures_can_be_left_out_when_reading(tmp_path: Path) -> None:
    wire = encode(VideoFrame(pixels=np.zeros(12, np.uint8), width=2, height=2), seq=0, sent_ns=0, host="a")
    path = tmp_path / "video.tape"
    with path.open("wb", buffering=0) as file:
        writer = TapeWriter(file, {})
        writer.add(Row("renderer", 0, TapeEvent(1, "send", "frame", 0, data=payload_bytes(wire.value), type="uint8")))
        writer.close({})
    (without,) = [row.event for row in read_tape(path, pictures=False) if row.node == "renderer"]
    assert (without.data, without.type) == (b"", "")
    assert len(read(path)[0].data) == 12
