"""Shows a tape in Rerun: pictures, sound, turns, texts, face and body, on the stage's timeline."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mio.contracts.arkit import ARKIT_ACTIONS
from mio.contracts.messages import (
    AudioChunk,
    BodyMotion,
    FaceMotion,
    Message,
    MotionPrompt,
    Reply,
    SpeechActivity,
    Transcript,
    Turn,
    VideoFrame,
)
from mio.contracts.wire import decode
from mio.errors import MioError
from mio.runtime.tee import TapeEvent
from mio.tape.contents import Tape
from mio.tape.format import JPEG, metadata_of, value_of
from mio.tape.posture import bones, joint_positions
from mio.tape.stage_time import StageTime

TIMELINE = "stage"
_ENVELOPE_HZ = 100


class Viewer:
    """Logs a tape to Rerun."""

    def __init__(self, tape: Tape, rerun: Any) -> None:
        """Prepare a tape that was read with its pictures.

        Args:
            tape: The tape.
            rerun: The module.
        """
        self._tape = tape
        self._rr = rerun
        self._stage = StageTime(tape)
        self._loggers: dict[str, Callable[[str, TapeEvent], None]] = {
            VideoFrame.KIND: self._picture,
            AudioChunk.KIND: self._sound,
            BodyMotion.KIND: self._body,
            FaceMotion.KIND: self._face,
            **{one.KIND: self._text for one in (Transcript, Reply, MotionPrompt, Turn, SpeechActivity)},
        }

    def log(self) -> int:
        """Log everything that can be shown, and return how many messages that were."""
        shown = 0
        for (node, port), events in self._tape.streams().items():
            for event in events:
                logger = self._loggers.get(str(metadata_of(event).get("kind")))
                if logger is not None and (event.type or event.data):
                    logger(f"{node}/{port}", event)
                    shown += 1
        return shown

    def _at(self, stage_s: float) -> None:
        self._rr.set_time(TIMELINE, duration=stage_s)

    def _message(self, path: str, event: TapeEvent) -> Any:
        message: Message = decode(value_of(event, path), metadata_of(event))
        return message

    def _picture(self, path: str, event: TapeEvent) -> None:
        header = metadata_of(event)
        self._at(header["stage_s"] or self._stage.of(event.at_ns))
        if event.type == JPEG:
            self._rr.log(path, self._rr.EncodedImage(contents=event.data, media_type="image/jpeg"))
        else:
            self._rr.log(path, self._rr.Image(self._message(path, event).image))

    def _sound(self, path: str, event: TapeEvent) -> None:
        chunk: AudioChunk = self._message(path, event)
        window = max(1, chunk.sample_rate // _ENVELOPE_HZ)
        peaks = [float(np.abs(part).max()) for part in _windows(chunk.samples, window)]
        if not peaks:
            return
        captured = chunk.origin_ns > 0  # else its samples are numbered in stage time
        start_s = self._stage.of(chunk.origin_ns) if captured else chunk.start_sample / chunk.sample_rate
        times = self._rr.TimeColumn(TIMELINE, duration=start_s + np.arange(len(peaks)) * window / chunk.sample_rate)
        self._rr.send_columns(path, [times], self._rr.Scalars.columns(scalars=peaks))

    def _body(self, path: str, event: TapeEvent) -> None:
        motion: BodyMotion = self._message(path, event)
        for number, frame in enumerate(motion.frames):
            self._at(motion.start_stage_s + number / motion.fps)
            places = joint_positions(frame)
            self._rr.log(path, self._rr.LineStrips3D(bones(places)))
            self._rr.log(f"{path}/joints", self._rr.Points3D(places, radii=0.015))

    def _face(self, path: str, event: TapeEvent) -> None:
        motion: FaceMotion = self._message(path, event)
        for number, frame in enumerate(motion.frames):
            self._at(motion.start_stage_s + number / motion.fps)
            self._rr.log(path, self._rr.BarChart(frame[: len(ARKIT_ACTIONS)]))

    def _text(self, path: str, event: TapeEvent) -> None:
        message = self._message(path, event)
        self._at(self._stage.of(event.at_ns))
        said = getattr(message, "text", None) or getattr(message, "state", "")
        self._rr.log(path, self._rr.TextLog(f"{message.segment_id}: {said}"))


def _windows(samples: Any, window: int) -> list[Any]:
    return [samples[start : start + window] for start in range(0, len(samples), window)]


def view(tape: Tape, save: Path | None) -> int:
    """Open a tape in Rerun's viewer, or write it for Rerun.

    Args:
        tape: The tape, read with its pictures.
        save: ``.rrd`` file to write instead of opening a window.

    Returns:
        How many messages are shown.

    Raises:
        MioError: If Rerun is missing or cannot write the file.
    """
    rerun = _require_rerun()
    rerun.init("mio", recording_id=tape.path.stem)
    try:
        rerun.save(str(save)) if save is not None else rerun.spawn()
    except (OSError, RuntimeError) as error:
        raise MioError(f"Rerun: {error}", "name a file that can be written, or use --save without a screen") from error
    shown = Viewer(tape, rerun).log()
    rerun.disconnect()
    return shown


def _require_rerun() -> Any:
    try:
        return import_module("rerun")
    except ImportError as error:
        raise MioError("mio view needs Rerun", "pip install 'mio[view]'") from error
