"""The recorder's engine: pictures and voices to their places on the recording's time, and what went wrong with them.

The recording begins with the first picture. Its time is stage time. It knows no device but the file.
"""

import json
import logging
import math
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Clock, Message, Tick, VideoFrame
from mio.contracts.rates import SPEECH_HZ, VIDEO_FPS
from nodes.io.recorder.config import RecorderConfig
from nodes.io.recorder.file_time import FileTime
from nodes.io.recorder.files import part_path, report_path, reserve, stem_path
from nodes.io.recorder.movie import Movie, RecordingError, Stems
from nodes.io.recorder.soundtrack import SOUND_HZ, Soundtrack, Track

_VOICES = {"user_audio": "user", "avatar_audio": "avatar"}
_EARLY_CHUNKS = 200
_WAIT_FOR_PICTURE_S = 1.0
_FURTHEST_AHEAD_S = 5.0
_YIELD_EVERY = 10  # repeated pictures, 2 ms each
_KEPT_LEADS = 20_000
_QUIET_NS = 500_000_000
_LISTED = 300

_log = logging.getLogger(__name__)


@dataclass
class _Figures:
    """What the recorder counts.

    Attributes:
        received: Pictures that came.
        missing: Places for which none came, which show the one before.
        missing_at_s: Where in the file the first of them are.
        late: Pictures that were sent more than one frame after their stage time.
        dropped: Pictures that are not in the file, because their place was taken, past, or absurd.
        first_stage_s: Stage time of the first picture.
        first_mono_ns: ``CLOCK_MONOTONIC`` of that moment.
        leads_ms: How long before its stage time each picture was sent.
        problem: Why recording stopped; empty if it did not.
    """

    received: int = 0
    missing: int = 0
    missing_at_s: list[float] = field(default_factory=lambda: list[float]())
    late: int = 0
    dropped: int = 0
    first_stage_s: float = 0.0
    first_mono_ns: int = 0
    leads_ms: deque[float] = field(default_factory=lambda: deque[float](maxlen=_KEPT_LEADS))
    problem: str = ""


class RecorderEngine(Engine):
    """Writes a recording from when it is opened until it is closed.

    A successor, and an engine that is opened again, go on in a file of the next number, because an mp4 file that has
    been ended cannot grow.

    Args:
        config: Where, quality and loudness.
    """

    tick_hz = 20.0
    exclusive = True

    def __init__(self, config: RecorderConfig) -> None:
        self._config = config
        self._part = 0
        self._path = config.path
        self._begin_anew()

    def open(self) -> None:
        """Reserve the next file.

        Raises:
            MioError: If it cannot be written.
        """
        self._part += 1
        if self._config.overwrite:
            self._path = reserve(part_path(self._config.path, self._part), overwrite=True)
        else:
            self._path = reserve(self._config.path, overwrite=False)
        self._begin_anew()

    def step(self, port: str, message: Message) -> Outputs:
        """Record what came; on a tick, write the sound that is complete."""
        if self._figures.problem:
            return
        try:
            match message:
                case Clock():
                    self._time.update(message)
                case Tick():
                    self._let_time_pass(message.mono_ns)
                    yield from self._write_due()
                case VideoFrame():
                    self._take_time_of(message)
                    yield from self._add_picture(message)
                case AudioChunk():
                    self._take_time_of(message)
                    self._add_sound(_VOICES[port], message)
                case _:
                    pass
        except RecordingError as error:
            self._stop(error)
            raise

    def _take_time_of(self, message: Message) -> None:
        """It is as late as the last message says: on a busy machine many wait, and none of them is too late."""
        if message.sent_ns:
            self._now_ns = max(self._now_ns, message.sent_ns)
            self._has_come = True

    def _let_time_pass(self, tick_ns: int) -> None:
        """Without messages time goes on by itself."""
        if self._has_come or not self._quiet_since_ns:
            self._has_come, self._quiet_since_ns = False, tick_ns
        elif tick_ns - self._quiet_since_ns > _QUIET_NS:
            self._now_ns = max(self._now_ns, tick_ns)

    def export_state(self) -> dict[str, Any]:
        """How many files have been begun."""
        return {"version": 1, "part": self._part}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on in the file after the predecessor's."""
        self._part = int(state.get("part", 0))

    def close(self) -> None:
        """End the file, and write the figures beside it."""
        if self._movie is None and not self._figures.problem:
            self._path.unlink(missing_ok=True)
            _log.warning("nothing was recorded: no picture came")
            return
        if not self._figures.problem:
            try:
                self._end()
            except RecordingError as error:
                self._stop(error)
                _log.error("%s", error)
        self._write_report()

    def _begin_anew(self) -> None:
        config = self._config
        self._time = FileTime()
        self._sound = Soundtrack({"user": Track(config.user_gain_db), "avatar": Track(config.avatar_gain_db)})
        self._movie: Movie | None = None
        self._stems: Stems | None = None
        self._early: deque[tuple[str, AudioChunk]] = deque(maxlen=_EARLY_CHUNKS)
        self._now_ns = 0
        self._quiet_since_ns = 0
        self._has_come = False
        self._figures = _Figures()

    def _add_picture(self, frame: VideoFrame) -> Outputs:
        figures = self._figures
        figures.received += 1
        if not self._time.running or not math.isfinite(frame.stage_s):
            figures.dropped += 1
            return
        if self._movie is None:
            self._begin(frame)
        assert self._movie is not None
        self._note_lead(frame)
        place_s = self._time.of(frame.stage_s, self._now_ns)
        place = round(place_s * VIDEO_FPS)
        if place < self._movie.pictures or place_s > self._time.at(self._now_ns) + _FURTHEST_AHEAD_S:
            figures.dropped += 1
            return
        yield from self._repeat_until(place)
        self._movie.add_picture(frame.image)

    def _add_sound(self, voice: str, chunk: AudioChunk) -> None:
        if self._movie is None:
            self._early.append((voice, chunk))
            return
        if voice == "avatar":
            start_s = self._time.of(chunk.start_sample / SPEECH_HZ, self._now_ns)
        else:
            origin_ns = chunk.origin_ns or chunk.sent_ns - round(len(chunk.samples) / chunk.sample_rate * 1e9)
            start_s = self._time.at(origin_ns)
        self._sound.add(voice, chunk, start_s, self._time.at(self._now_ns))

    def _begin(self, frame: VideoFrame) -> None:
        self._time.start(frame.stage_s)
        self._figures.first_stage_s = frame.stage_s
        self._figures.first_mono_ns = self._time.mono_ns(0.0)
        config = self._config
        self._movie = Movie(self._path, (frame.width, frame.height), config.crf, config.preset)
        if config.stems:
            self._stems = Stems({voice: stem_path(self._path, voice) for voice in _VOICES.values()})
        while self._early:
            self._add_sound(*self._early.popleft())

    def _write_due(self) -> Outputs:
        """Write the sound that is complete; go on with the last picture if no new one comes."""
        if self._movie is None:
            return
        now_s = self._time.at(self._now_ns)
        yield from self._repeat_until(int((now_s - _WAIT_FOR_PICTURE_S) * VIDEO_FPS))
        self._write_sound(self._sound.ready(now_s))

    def _repeat_until(self, place: int) -> Outputs:
        assert self._movie is not None
        while self._movie.pictures < place:
            if len(self._figures.missing_at_s) < _LISTED:
                self._figures.missing_at_s.append(round(self._movie.pictures / VIDEO_FPS, 2))
            self._movie.add_picture(None)
            self._figures.missing += 1
            if self._figures.missing % _YIELD_EVERY == 0:
                yield None

    def _write_sound(self, last: int) -> None:
        assert self._movie is not None
        mixed = self._sound.read(last)
        self._movie.add_sound(mixed.mix)
        if self._stems is not None:
            self._stems.add(mixed)

    def _end(self) -> None:
        assert self._movie is not None
        for _ in self._repeat_until(self._sound.written * VIDEO_FPS // SOUND_HZ):
            pass
        self._write_sound(self._movie.pictures * SOUND_HZ // VIDEO_FPS)
        self._movie.close()
        if self._stems is not None:
            self._stems.close()

    def _stop(self, error: RecordingError) -> None:
        """Give up recording; the conversation goes on."""
        self._figures.problem = str(error)
        if self._movie is not None:
            self._movie.abandon()
        if self._stems is not None:
            self._stems.close()

    def _note_lead(self, frame: VideoFrame) -> None:
        if not frame.sent_ns:
            return
        lead_s = self._time.of(frame.stage_s, frame.sent_ns) - self._time.at(frame.sent_ns)
        self._figures.leads_ms.append(lead_s * 1e3)
        self._figures.late += lead_s < -1.0 / VIDEO_FPS

    def _write_report(self) -> None:
        path = report_path(self._path)
        try:
            path.write_text(json.dumps(self._report(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            _log.warning("%s: cannot be written: %s", path, error.strerror)

    def _report(self) -> dict[str, Any]:
        figures, movie = self._figures, self._movie
        voices = list(_VOICES.values()) if self._stems is not None else []
        leads = sorted(figures.leads_ms)
        return {
            "file": self._path.name,
            "finished": not figures.problem,
            "problem": figures.problem,
            "width": movie.size[0] if movie else 0,
            "height": movie.size[1] if movie else 0,
            "fps": VIDEO_FPS,
            "duration_s": movie.pictures / VIDEO_FPS if movie else 0.0,
            "frames": movie.pictures - figures.missing if movie else 0,
            "missing": figures.missing,
            "missing_at_s": figures.missing_at_s,
            "late": figures.late,
            "dropped": figures.dropped,
            "received": figures.received,
            "lead_ms": _spread(leads),
            "first_stage_s": figures.first_stage_s,
            "first_mono_ns": figures.first_mono_ns,
            "sound": {name: asdict(track.figures) for name, track in self._sound.tracks.items()},
            "stems": {voice: {"file": stem_path(self._path, voice).name, "offset_s": 0.0} for voice in voices},
        }


def build_engine(config: RecorderConfig) -> RecorderEngine:
    """Make the engine; its file is reserved when it is opened."""
    return RecorderEngine(config)


def _spread(ordered: list[float]) -> dict[str, float]:
    if not ordered:
        return {}
    last = len(ordered) - 1
    shares = (("min", 0.0), ("p05", 0.05), ("p50", 0.5), ("max", 1.0))
    return {name: round(ordered[round(share * last)], 3) for name, share in shares}
