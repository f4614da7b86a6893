"""A test sentence full of [pa], recorded by the same nodes, and how far lips and sound are apart in the file."""

import time
from pathlib import Path
from typing import Any

import yaml

from mio.errors import MioError
from mio.flow.running import RunningFlow
from mio.measure.lipsync import NoClosures, measure_lip_sync
from mio.measure.video import pictures, sound_track
from mio.paths import share

SENTENCE = "Pa pa pa pa pa. Pa pa pa pa pa. Pa pa pa pa pa."
_STILL = {
    "MIO_FACE__LIVELINESS": "0",
    "MIO_FACE__EXPRESSIVENESS": "0",
    "MIO_FACE__BLINKS_SPEAKING_PER_MIN": "1",
}
"""Settings under which only the lips move, since the measurement takes what moves most for the mouth."""

_SHARP = {"MIO_TALKER__ENGINE": "espeak"}
"""A voice whose bursts are sharp and whose times are exact, since what is measured is the way to the file."""

_AT_S = 1.0
_RECORD_S = 9.0
_READY_WITHIN_S = 120.0


def record_test_sentence(folder: Path, character: Path) -> Path:
    """Let the avatar say the test sentence and record it.

    Args:
        folder: Where it is written.
        character: Folder of the character pack.

    Returns:
        The video.

    Raises:
        MioError: If the flow cannot start or ends early.
    """
    folder.mkdir(parents=True, exist_ok=True)
    script, video, run = folder / "script.yml", folder / "lipsync.mp4", folder / "run"
    run.mkdir(exist_ok=True)
    for old in run.glob("*.stats.json"):
        old.unlink()
    cue = {"at_s": _AT_S, "port": "reply", "message": {"text": SENTENCE, "segment_id": 1, "fin": True}}
    script.write_text(yaml.safe_dump([cue]))
    env = {
        "MIO_RUN_DIR": str(run),
        "MIO_SCRIPT__PATH": str(script),
        "MIO_RECORDER__PATH": str(video),
        "MIO_JOURNAL__EVENTS": str(folder / "events.jsonl"),
        "MIO_SHARED__CHARACTER": str(character),
        "MIO_RENDERER__FRAMING": "face",
        **_STILL,
        **_SHARP,
    }
    (folder / "events.jsonl").unlink(missing_ok=True)
    with RunningFlow(share("dataflows", "script.yml"), folder / "dora.log", env) as flow:
        deadline = time.monotonic() + _READY_WITHIN_S
        while not (run / "speaker.stats.json").is_file():
            if not flow.running or time.monotonic() > deadline:
                raise MioError(f"the test sentence was not recorded: {flow.complaint()}", f"see {flow.log_path}")
            time.sleep(0.1)
        time.sleep(_RECORD_S)
    return video


def measure_test_sentence(video: Path) -> dict[str, Any]:
    """Offset between lips and sound in a recorded test sentence, as fields of a report.

    It is null, with the reason, if the picture is too poor, as on a machine that is too busy to draw.
    """
    samples, sample_rate = sound_track(video)
    try:
        found = measure_lip_sync(pictures(video), samples, sample_rate)
    except NoClosures as error:
        return {"av_offset_ms": None, "av_offset_problem": f"{video.name}: {error}"}
    return {
        "av_offset_ms": round(found.offset_ms, 1),
        "av_offset_spread_ms": round(found.spread_ms, 1),
        "av_offset_closures": found.closures,
    }
