"""Whether the avatar hears itself, and the user over itself: simulated rooms, the real talker, speaker and listener.

The avatar speaks for minutes in five rooms (delay, reverberation, drift of clocks, clipping loudspeaker) while nobody
else does: its voice must neither be lowered nor interrupted. Then users speak on top of it, as loud at the microphone
as its echo: how many are noticed, how soon after their acoustic onset, and what is understood; the same with WebRTC's
canceller alone, and without any. Engines are stepped in fake time, so delays are those of deciding, not of computing.
Users are voices of espeak-ng, and recorded ones with --data.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import soxr

from mio.audio import write_wav
from mio.bench._echo_stage import EchoStage, Outcome, SaidLine
from mio.bench._mishearing import error_rate
from mio.bench._speech_set import data_folder, recordings
from mio.bench.report import Report, percentile
from mio.character import read_character
from mio.contracts.messages import FloatArray, Reply, Speech
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.demo.question import STRANGERS
from mio.espeak import speak
from mio.measure.room import RoomSettings, active_level_db, at_level, echo_of
from mio.measure.sound import onset_s
from mio.paths import share
from nodes.io.microphone.config import EchoConfig, Line, SimulatedRoom
from nodes.listener.config import BargeInConfig, ListenerConfig
from nodes.listener.engine import ListenerEngine, build_engine
from nodes.talker.config import TalkerConfig
from nodes.talker.engine import build_engine as build_talker

DURATION = "about 12 min"

ROOMS = {
    "near, quiet": RoomSettings(delay_ms=20.0, reverberation_s=0.2, echo_db=-12.0, drive_db=-20.0),
    "laptop": RoomSettings(delay_ms=60.0, seed=1),
    "drift 50 ppm": RoomSettings(delay_ms=60.0, drift_ppm=50.0, seed=2),
    "loud, clipping": RoomSettings(delay_ms=120.0, echo_db=0.0, drive_db=6.0, seed=3),
    "late, large, all": RoomSettings(
        delay_ms=200.0, drift_ppm=50.0, reverberation_s=0.6, drive_db=6.0, distance_m=1.0, seed=4
    ),
}

_VARIANTS = {
    "": EchoConfig(engine="webrtc"),
    "_without_filter": EchoConfig(engine="webrtc", linear=False),
    "_without_cancellation": EchoConfig(engine="off"),
}
_READERS = (("en_kathleen.tar", "test"), ("en_speechocean_adults.tar", None))
_ANSWERS = 60
_CLAUSES_OF_LONG = 3  # answers joined, so that a line finds the avatar still speaking
_RATE_WPM = 165
_EARLIEST_S, _LATEST_S = 2.0, 5.0
_PER_LINE_S = 30.0
_RUNS = 4  # in which a line may find its moment
_SETTLED_S = 2  # the first seconds, in which the canceller learns


class _Spoken(NamedTuple):
    """Something that a user says: text, voice, ``[n]`` sound at the microphone's rate."""

    text: str
    voice: str
    sound: FloatArray


class _Case(NamedTuple):
    """A line in a room, and what came of it."""

    spoken: _Spoken
    delay_ms: float | None
    taken: bool
    heard: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--minutes", type=float, default=10.0, help="of the avatar alone, over all rooms (10)")
    parser.add_argument("--lines", type=int, default=60, help="of users over the avatar, over all rooms (60)")
    parser.add_argument(
        "--data", type=Path, help="data folder with real voices (MIO_DATA; without, espeak voices only)"
    )
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack (mara)")
    parser.add_argument("--seed", type=int, default=0, help="of texts, voices and moments")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure all rooms: the avatar alone, and users over it with and without echo cancellation."""
    data = data_folder(args.data)
    answers = list(speeches(args.character, _ANSWERS, args.seed))
    listener = build_engine(ListenerConfig(character=args.character, barge_in=BargeInConfig(mode="duck")))
    fresh = listener.export_state()

    def fresh_listener() -> ListenerEngine:
        listener.import_state(fresh)
        return listener

    alone: dict[str, Outcome] = {}
    for number, (name, acoustics) in enumerate(ROOMS.items()):
        own = answers[number * len(answers) // len(ROOMS) :] + answers
        room = SimulatedRoom(acoustics=acoustics)
        alone[name] = EchoStage(room, fresh_listener(), own, EchoConfig()).run(60.0 * args.minutes / len(ROOMS))
    _report_alone(report, alone)
    spoken = list(_spoken(args.lines, args.character, data, args.seed))
    long = [_joined(answers[start : start + _CLAUSES_OF_LONG]) for start in range(0, len(answers), _CLAUSES_OF_LONG)]
    for suffix, echo in _VARIANTS.items():
        cases: dict[str, list[_Case]] = {}
        for number, (name, acoustics) in enumerate(ROOMS.items()):
            stage = _Over(acoustics, echo, long[number:] + long, args.seed + number)
            cases[name] = stage.say(spoken[number :: len(ROOMS)], fresh_listener())
        _report_over(report, cases, suffix)
    if data is None:
        report.note("all users are voices of espeak-ng: name the data folder with --data or MIO_DATA for recorded ones")


def speeches(character: Path, count: int, seed: int) -> Iterator[list[Speech]]:
    """Answers of the character's pack as its talker speaks them, drawn without repetition."""
    talker = build_talker(TalkerConfig(character=character))
    entries = read_character(character).knowledge().entries
    texts = [answer for entry in entries for answer in entry.answers]
    draw = np.random.default_rng(seed)
    for number, chosen in enumerate(draw.permutation(len(texts))[:count], 1):
        reply = Reply(text=plain_text(texts[chosen]), segment_id=number, fin=True)
        yield [output[1] for output in talker.step("reply", reply) if output and isinstance(output[1], Speech)]


def plain_text(answer: str) -> str:
    """An answer without the marks for gestures and emotions."""
    return re.sub(r"\[[^]]*\]|<[^>]*>", " ", answer)


def _joined(answers: Sequence[Sequence[Speech]]) -> list[Speech]:
    """Several answers as one."""
    joined: list[Speech] = []
    start = 0
    for answer in answers:
        for chunk in answer:
            at = start + chunk.start_sample
            whole = {"start_sample": at, "fin": False, "phones": [], "phone_start_s": [], "phone_stress": []}
            words = {"words": [], "word_start_s": [], "word_end_s": [], "word_char": []}
            joined.append(msgspec.structs.replace(chunk, **whole, **words))
        start = joined[-1].start_sample + len(joined[-1].samples)
    joined[-1] = msgspec.structs.replace(joined[-1], fin=True)
    return joined


def _spoken(count: int, character: Path, data: Path | None, seed: int) -> Iterator[_Spoken]:
    """What users say: questions of the pack by espeak voices, and with data as many sentences by recorded voices."""
    questions = [question for entry in read_character(character).knowledge().entries for question in entry.questions]
    draw = np.random.default_rng(seed + 1)
    readers = [(tar, split) for tar, split in _READERS if data is not None]
    recorded = [
        _Spoken(one.text, one.speaker, one.sound)
        for tar, split in readers
        for one in recordings(data or Path(), tar, split, count // 3, seed)
    ]
    yield from recorded
    for number in range(count - len(recorded)):
        text, voice = questions[draw.integers(len(questions))], STRANGERS[number % len(STRANGERS)]
        made = speak(text, voice=voice, rate_wpm=_RATE_WPM)
        sound = soxr.resample(made.samples, made.sample_rate, MICROPHONE_HZ)
        yield _Spoken(text, f"espeak {voice}", np.asarray(sound, np.float32))


class _Over:
    """Users who speak over the avatar in one room.

    Args:
        acoustics: The room.
        echo: Section ``echo`` of the microphone.
        answers: What the avatar says.
        seed: Of the moments.
    """

    def __init__(
        self, acoustics: RoomSettings, echo: EchoConfig, answers: Sequence[Sequence[Speech]], seed: int
    ) -> None:
        self._acoustics = acoustics
        self._echo = echo
        self._answers = answers
        self._draw = np.random.default_rng(seed)
        played = np.concatenate([chunk.samples for chunk in answers[0]])
        sound = np.asarray(soxr.resample(played, SPEECH_HZ, MICROPHONE_HZ), np.float32)
        self._level_db = active_level_db(echo_of(sound, acoustics, MICROPHONE_HZ))

    def say(self, spoken: Sequence[_Spoken], listener: ListenerEngine) -> list[_Case]:
        """Let users say their lines, each in another answer, as loud as the echo.

        A line that finds no moment, because the answer that was to be talked over had ended, is said in a run of its
        own with the others that found none.
        """
        fresh = listener.export_state()
        cases: list[_Case] = []
        waiting = list(spoken)
        for _ in range(_RUNS):
            said = self._run(waiting, listener)
            cases += said.values()
            waiting = [one for number, one in enumerate(waiting) if number not in said]
            if not waiting:
                break
            listener.import_state(fresh)
        return cases

    def _run(self, spoken: Sequence[_Spoken], listener: ListenerEngine) -> dict[int, _Case]:
        """Cases of those lines that found their moment, by place."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lines = [self._line(folder / f"{number}.wav", one) for number, one in enumerate(spoken)]
            room = SimulatedRoom(acoustics=self._acoustics, lines=lines, log=folder / "lines.jsonl")
            stage = EchoStage(room, listener, self._answers, self._echo)
            outcome = stage.run(_PER_LINE_S * len(lines), until_said=True)
        return {said.number: _case(outcome, said, spoken[said.number]) for said in outcome.lines}

    def _line(self, path: Path, spoken: _Spoken) -> Line:
        write_wav(path, at_level(spoken.sound, self._level_db), MICROPHONE_HZ)
        return Line(sound=path, when="answer", after_s=float(self._draw.uniform(_EARLIEST_S, _LATEST_S)))


def _case(outcome: Outcome, said: SaidLine, spoken: _Spoken) -> _Case:
    noticed_s = outcome.noticed_s(said)
    begun_s = said.begun_s + onset_s(spoken.sound, MICROPHONE_HZ)
    delay_ms = None if noticed_s is None else 1e3 * (noticed_s - begun_s)
    return _Case(spoken, delay_ms, outcome.taken(said), outcome.text_of(said))


def _report_alone(report: Report, alone: dict[str, Outcome]) -> None:
    for name, outcome in alone.items():
        report.row(
            "the avatar alone",
            room=name,
            spoken_s=round(outcome.spoken_s),
            ducked=len(outcome.ducks),
            interrupted=len(outcome.turns),
            echo_reduction_db=f"{_reduction_db(outcome):.1f}",
        )
    spoken_s = sum(outcome.spoken_s for outcome in alone.values())
    report.figure("spoken_min", spoken_s / 60)
    report.figure("self_interruptions", sum(len(outcome.turns) for outcome in alone.values()), target=0)
    report.figure("self_ducks", sum(len(outcome.ducks) for outcome in alone.values()), target=0)
    report.figure("echo_reduction_min_db", min(map(_reduction_db, alone.values())))
    cost = sum(outcome.cancelling_cpu_s for outcome in alone.values()) / sum(o.seconds for o in alone.values())
    report.figure("cancelling_cpu_per_second_s", cost)


def _reduction_db(outcome: Outcome) -> float:
    """Echo return loss enhancement over all seconds of speech but the first ones, room noise included."""
    parts = outcome.reductions[_SETTLED_S:] or outcome.reductions
    captured, sent = sum(part.captured for part in parts), sum(part.sent for part in parts)
    return float(10 * np.log10((captured + 1e-12) / (sent + 1e-12)))


def _report_over(report: Report, cases: dict[str, list[_Case]], suffix: str) -> None:
    title = f"users over the avatar{suffix.replace('_', ' ')}"
    for name, some in cases.items():
        report.row(title, room=name, **_cells(some))
    every = [case for some in cases.values() for case in some]
    for kind in ("espeak", "recorded"):
        some = [case for case in every if case.spoken.voice.startswith("espeak") == (kind == "espeak")]
        if some:
            report.row(title, room=f"all: {kind} voices", **_cells(some))
    report.figure(f"lines_said{suffix}", len(every))
    if every:
        noticed = float(np.mean([case.delay_ms is not None for case in every]))
        report.figure(f"noticed{suffix}", noticed, target=None if suffix else 0.95, at_least=True)
        report.figure(f"became_a_turn{suffix}", float(np.mean([case.taken for case in every])))
        report.figure(f"word_error_rate{suffix}", _error_rate(every))
    for case in every:
        if not suffix and not case.taken:
            report.row("not taken", voice=case.spoken.voice, said=case.spoken.text, heard=case.heard)


def _cells(cases: Sequence[_Case]) -> dict[str, object]:
    delays = [case.delay_ms for case in cases if case.delay_ms is not None]
    return {
        "lines": len(cases),
        "noticed": len(delays),
        "turns": sum(case.taken for case in cases),
        "noticed_after_p50_ms": round(percentile(delays, 0.5)) if delays else "",
        "p95_ms": round(percentile(delays, 0.95)) if delays else "",
        "word_errors": f"{_error_rate(cases):.1%}" if cases else "",
    }


def _error_rate(cases: Sequence[_Case]) -> float:
    errors = [error_rate(case.spoken.text, case.heard) for case in cases]
    return float(np.average(errors, weights=[len(case.spoken.text.split()) for case in cases]))
