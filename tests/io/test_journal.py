import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mio.contracts.messages import Clock, Interrupt, Message, Reply, Speech, Transcript, Turn
from mio.errors import DeviceError
from mio.runtime.testing import run_engine
from nodes.io.journal.config import JournalConfig
from nodes.io.journal.engine import JournalEngine

MANIFEST = Path(__file__).parents[2] / "nodes/io/journal/dora-node.yml"
CONVERSATION: list[tuple[str, Message]] = [
    ("clock", Clock(stage_s=0.0, mono_ns=0)),
    ("transcript", Transcript(text="Who are", final=False, segment_id=1)),
    ("transcript", Transcript(text="Who are you?", segment_id=1)),
    ("turn", Turn(state="thinking", segment_id=1)),
    ("reply", Reply(text="I am Mara,", segment_id=1)),
    ("reply", Reply(text="and I keep a light.", first_char=11, index=1, fin=True, segment_id=1)),
]
SPEECH = Speech(samples=np.zeros(1920, np.float32), start_sample=0, phones=["a"], phone_start_s=[0.0], phone_stress=[1])


def journal(folder: Path) -> JournalEngine:
    return JournalEngine(JournalConfig(folder / "events.jsonl", folder / "transcript.md", "Mara"))


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def heard(chars: int, segment_id: int = 1) -> tuple[str, Message]:
    return "clock", Clock(stage_s=1.0, mono_ns=10**9, segment_id=segment_id, heard_char=chars)


def test_every_event_is_written_with_its_stage_time(tmp_path: Path) -> None:
    run_engine(journal(tmp_path), MANIFEST, [*CONVERSATION, ("speech", SPEECH)])
    written = events(tmp_path)
    assert [event["port"] for event in written] == ["transcript", "transcript", "turn", "reply", "reply", "speech"]
    assert written[1]["text"] == "Who are you?"
    assert written[-1]["samples_count"] == 1920
    assert written[-1]["phones"] == ["a"]
    assert all(isinstance(event["stage_s"], float) for event in written)


def test_the_transcript_has_what_both_sides_said(tmp_path: Path) -> None:
    script = [*CONVERSATION, heard(12), heard(30), ("clock", Clock(stage_s=2.0, mono_ns=0))]
    run_engine(journal(tmp_path), MANIFEST, script)
    text = (tmp_path / "transcript.md").read_text()
    assert text == "**You:** Who are you?\n\n**Mara:** I am Mara, and I keep a light.\n\n"


def test_the_transcript_keeps_only_what_was_heard_of_an_answer(tmp_path: Path) -> None:
    run_engine(journal(tmp_path), MANIFEST, [*CONVERSATION, heard(10), ("clock", Clock(stage_s=2.0, mono_ns=0))])
    assert "**Mara:** I am Mara, ...\n" in (tmp_path / "transcript.md").read_text()


def test_words_that_were_said_with_a_lowered_voice_before_a_stop_do_not_count(tmp_path: Path) -> None:
    last = ("clock", Clock(stage_s=1.5, mono_ns=0, segment_id=1, heard_char=10, fin=True))
    script = [*CONVERSATION, heard(10), heard(15), last, ("clock", Clock(stage_s=2.0, mono_ns=0))]
    run_engine(journal(tmp_path), MANIFEST, script)
    assert "**Mara:** I am Mara, ...\n" in (tmp_path / "transcript.md").read_text()


def test_an_answer_that_was_never_heard_is_not_in_the_transcript(tmp_path: Path) -> None:
    run_engine(journal(tmp_path), MANIFEST, CONVERSATION)
    assert "Mara:" not in (tmp_path / "transcript.md").read_text()


def test_a_question_that_goes_on_after_a_pause_is_written_once(tmp_path: Path) -> None:
    again = [
        ("transcript", Transcript(text="Who are you? And where?", segment_id=2)),
        ("reply", Reply(text="Here.", segment_id=2)),
    ]
    run_engine(journal(tmp_path), MANIFEST, [*CONVERSATION[:3], *again])
    assert (tmp_path / "transcript.md").read_text() == "**You:** Who are you? And where?\n\n"


def test_an_answer_that_a_new_question_cuts_off_keeps_what_was_heard(tmp_path: Path) -> None:
    more = [("transcript", Transcript(text="Wait!", segment_id=2)), ("reply", Reply(text="Yes?", segment_id=2))]
    run_engine(journal(tmp_path), MANIFEST, [*CONVERSATION, heard(10), *more])
    lines = (tmp_path / "transcript.md").read_text().split("\n\n")
    assert lines[:3] == ["**You:** Who are you?", "**Mara:** I am Mara, ...", "**You:** Wait!"]


def test_an_answer_that_was_broken_off_by_mistake_is_written_once_and_whole(tmp_path: Path) -> None:
    silence = ("clock", Clock(stage_s=2.0, mono_ns=0))
    broken_off = [("interrupt", Interrupt(action="commit", segment_id=1)), heard(10), silence]
    goes_on = [("interrupt", Interrupt(action="resume", segment_id=1)), heard(30), silence]
    run_engine(journal(tmp_path), MANIFEST, [*CONVERSATION, heard(5), *broken_off, *goes_on])
    assert (tmp_path / "transcript.md").read_text().count("**Mara:**") == 1
    assert "**Mara:** I am Mara, and I keep a light.\n" in (tmp_path / "transcript.md").read_text()


def test_an_answer_that_comes_before_its_question_is_written_whole_and_after_it(tmp_path: Path) -> None:
    silence = ("clock", Clock(stage_s=2.0, mono_ns=0))
    late_question = [CONVERSATION[0], *CONVERSATION[4:], CONVERSATION[2]]
    run_engine(journal(tmp_path), MANIFEST, [*late_question, heard(30), silence])
    assert (tmp_path / "transcript.md").read_text().split("\n\n")[:2] == [
        "**You:** Who are you?",
        "**Mara:** I am Mara, and I keep a light.",
    ]


def test_a_successor_finishes_the_answer_that_was_begun(tmp_path: Path) -> None:
    first, second = journal(tmp_path), journal(tmp_path)
    run_engine(first, MANIFEST, [*CONVERSATION[:4]])
    first.open()
    for port, message in [*CONVERSATION, heard(12)]:
        first.step(port, message)
    second.import_state(first.export_state())
    second.open()
    second.step(*heard(30))
    second.step("clock", Clock(stage_s=2.0, mono_ns=0))
    second.close()
    assert "**Mara:** I am Mara, and I keep a light.\n" in (tmp_path / "transcript.md").read_text()


def test_only_changes_of_what_is_spoken_are_events_of_the_clock(tmp_path: Path) -> None:
    run_engine(journal(tmp_path), MANIFEST, [heard(1), heard(2), heard(3), heard(0, segment_id=0)])
    assert [event["segment_id"] for event in events(tmp_path)] == [1, 0]


def test_a_second_conversation_is_appended(tmp_path: Path) -> None:
    for _ in range(2):
        run_engine(journal(tmp_path), MANIFEST, CONVERSATION)
    assert len(events(tmp_path)) == 10


def test_only_the_owner_may_read_a_journal(tmp_path: Path) -> None:
    run_engine(journal(tmp_path), MANIFEST, CONVERSATION)
    for name in ("events.jsonl", "transcript.md"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_without_files_nothing_is_written(tmp_path: Path) -> None:
    run_engine(JournalEngine(JournalConfig()), MANIFEST, CONVERSATION)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match=r"file/events\.jsonl: .* -> choose another place"):
        JournalEngine(JournalConfig(events=tmp_path / "file" / "events.jsonl")).open()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_reported_once_and_the_rest_is_still_written(tmp_path: Path) -> None:
    engine = JournalEngine(
        JournalConfig(events=Path("/dev/full"), transcript=tmp_path / "transcript.md", avatar="Mara")
    )
    transport = run_engine(engine, MANIFEST, [*CONVERSATION, heard(30), ("clock", Clock(stage_s=2.0, mono_ns=0))])
    assert len(transport.logged) == 1
    assert "No space left on device -> free some space" in transport.logged[0][1]
    assert "**Mara:** I am Mara" in (tmp_path / "transcript.md").read_text()
