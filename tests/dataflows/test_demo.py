import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from rich.console import Console

from mio.audio import read_audio
from mio.demo.progress import ProgressView
from mio.demo.question import Question, draw_question
from mio.demo.report import measure
from mio.demo.session import Session, run_session
from mio.errors import MioError
from mio.paths import share

pytestmark = [pytest.mark.dataflow, pytest.mark.timeout(600)]
MARA = share("characters", "mara")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("demo")
    question = draw_question(MARA, 1, folder / "question.wav")
    with ProgressView(Console(quiet=True)) as view:
        return run_session(question, folder, view, character=MARA)


@pytest.fixture(scope="module")
def figures(session: Session) -> dict[str, Any]:
    return measure(session)


def test_a_spoken_question_is_understood_and_answered(session: Session, figures: dict[str, Any]) -> None:
    heard = set(figures["question_text"].lower().strip(".?!").split())
    asked = set(session.question.text.lower().strip(".?!").split())
    assert len(heard & asked) >= len(asked) / 2
    assert len(figures["answer_text"].split()) >= 4
    assert figures["answer_s"] > 1.0
    assert 0 < figures["end_of_speech_to_first_sound_ms"] < 10_000
    assert session.files.transcript.read_text().count("\n") >= 2


def test_the_video_is_h264_with_sound_at_30_pictures_a_second(session: Session, figures: dict[str, Any]) -> None:
    assert figures["codecs"] == "h264 + aac"
    assert figures["video_fps"] == pytest.approx(30, abs=0.1)
    with av.open(str(session.files.video)) as movie:
        video, sound = movie.streams.video[0], movie.streams.audio[0]
        assert min(video.width, video.height) >= 720
        lengths = [float(stream.duration * stream.time_base) for stream in (video, sound)]
    assert lengths[0] == pytest.approx(lengths[1], abs=0.2)
    assert figures["duration_s"] == pytest.approx(lengths[0], abs=0.2)


def test_both_voices_are_on_the_sound_track(session: Session) -> None:
    mixed = read_audio(session.files.video, 16_000)
    for track in (session.files.user, session.files.avatar):
        voice = read_audio(track, 16_000)[: len(mixed)]
        loud = np.abs(voice) > 0.05
        assert loud.sum() > 2_000
        assert np.abs(mixed[: len(voice)][loud]).mean() > 0.03


def test_the_avatar_moves_all_the_time_and_most_around_the_mouth_while_it_speaks(session: Session) -> None:
    frames = []
    with av.open(str(session.files.video)) as movie:
        for number, frame in enumerate(movie.decode(video=0)):
            if number % 6 == 0:
                frames.append(frame.to_ndarray(format="gray")[::4, ::4].astype(np.float32))
    pictures = np.stack(frames)
    assert pictures.mean() > 40, "the picture is dark"
    change = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2))
    quarter = len(change) // 4
    assert change[:quarter].mean() > 0.05, "it does not move while it listens"
    assert np.percentile(change, 90) > np.percentile(change, 20)


def test_the_report_says_what_every_node_used(session: Session, figures: dict[str, Any]) -> None:
    assert {"listener", "thinker", "talker", "face", "body", "renderer", "speaker", "recorder"} <= set(
        figures["per_node"]
    )
    assert all(node["peak_rss_mb"] > 10 for node in figures["per_node"].values() if node["cpu_s"] > 0.1)
    assert figures["cores_while_talking"] > 0
    assert json.dumps(figures)


def test_a_question_that_is_only_noise_ends_with_what_was_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mio.audio import write_wav
    from mio.demo import session as module

    monkeypatch.setattr(module, "_ANSWER_WITHIN_S", 3.0)
    monkeypatch.setattr(module, "LISTEN_BEFORE_S", 0.5)
    noise = 0.002 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    write_wav(tmp_path / "noise.wav", noise, 16_000)
    question = Question("", "", tmp_path / "noise.wav", 1.0)
    with ProgressView(Console(quiet=True)) as view, pytest.raises(MioError, match="no answer came.*nothing"):
        run_session(question, tmp_path / "out", view, character=MARA)
