"""What a session shows, measured from what it left behind: sound tracks, video file, journal, the nodes' figures."""

import json
from pathlib import Path
from typing import Any, cast

import soundfile

from mio.bench.report import environment
from mio.demo.session import LISTEN_BEFORE_S, Files, Session
from mio.errors import MioError
from mio.measure.sound import FloatArray, Silence, sound_bounds_s
from mio.measure.video import summarize

_BREATH_S = 0.05


def write_report(session: Session, av_offset: dict[str, Any] | None, path: Path) -> dict[str, Any]:
    """Measure a session and write its report.

    Args:
        session: The session.
        av_offset: Lip offset measured from a recorded test sentence, if it was.
        path: Where the JSON goes.
    """
    report = {**measure(session), **(av_offset or {}), **environment()}
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def measure(session: Session) -> dict[str, Any]:
    """All figures of a session.

    Raises:
        MioError: If the recording has no pictures, no question or no answer in it.
    """
    files = session.files
    recording = json.loads(files.recording.read_text())
    video = summarize(files.video)
    late, frames = recording["late"] + recording["missing"], recording["frames"] + recording["missing"]
    return {
        "question": session.question.text,
        "question_text": session.conversation.heard,
        "answer_text": session.conversation.answer_text,
        **gap(files),
        "stolen_by_host_pct": round(session.stolen_pct, 1),
        "start_up_s": round(session.start_up_s, 2),
        "duration_s": round(video.duration_s, 2),
        "video_fps": round(video.fps, 3),
        "video_size": f"{video.width}x{video.height}",
        "drawn_fps": round(recording["frames"] / max(1e-9, video.duration_s), 3),
        "late_frames_pct": round(100 * late / max(1, frames), 2),
        "longest_frame_interval_ms": round(1e3 * video.longest_interval_s, 1),
        "codecs": f"{video.video_codec} + {video.audio_codec}",
        "cores_while_talking": round(sum(session.cores_talking.values()), 2),
        "per_node": {
            node: {**figures, "cores_while_talking": round(session.cores_talking.get(node, 0.0), 3)}
            for node, figures in session.processes.items()
        },
        "dropped": dropped(files.run),
        "emotions": sorted({e["emotion"] for e in session.events if e["port"] == "reply"}),
        "gestures": [e["gesture"] for e in session.events if e["port"] == "motion"],
    }


def gap(files: Files) -> dict[str, float]:
    """Silence between the end of the question and the first sound of the answer, from the two recorded tracks.

    Raises:
        MioError: If one of them is silent.
    """
    user, user_hz = _track(files.user)
    avatar, avatar_hz = _track(files.avatar)
    try:
        _, question_end_s = sound_bounds_s(user, user_hz)
        answer_s, answer_end_s = sound_bounds_s(avatar, avatar_hz, max(0.0, LISTEN_BEFORE_S - _BREATH_S))
    except Silence as error:
        raise MioError(f"the recording is incomplete: {error}", f"look at {files.video} and {files.log}") from error
    return {
        "end_of_speech_to_first_sound_ms": round(1e3 * (answer_s - question_end_s), 1),
        "answer_s": round(answer_end_s - answer_s, 2),
    }


def _track(path: Path) -> tuple[FloatArray, int]:
    samples, sample_rate = soundfile.read(path, dtype="float32")
    return cast(FloatArray, samples), sample_rate


def dropped(run: Path) -> dict[str, int]:
    """Messages lost on each wire, those that arrived but were refused, and timer ticks that were skipped."""
    counts: dict[str, int] = {}
    for path in sorted(run.glob("*.stats.json")):
        stats = json.loads(path.read_text())
        for port, figures in stats["inputs"].items():
            for kind in ("lost", "refused"):
                if figures[kind]:
                    counts[f"{stats['node']}.{port} {kind}"] = figures[kind]
        if stats["ticks_skipped"]:
            counts[f"{stats['node']} ticks skipped"] = stats["ticks_skipped"]
    return counts
