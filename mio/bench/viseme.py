"""The rule-based face: do its lips close, touch and round in long speech, how it blinks and looks, what it costs.

A long text is spoken by espeak-ng and played to the face in fake time; the mouth is measured on the vertices of the
head between frames too, as a renderer at 30 pictures per second shows it. Figures are over all seeds.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.bench._face_stage import Seen, Stage
from mio.bench.report import Report, percentile
from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import FloatArray, Interrupt, Reply, Speech, Turn
from mio.contracts.phones import PHONES, SILENCE
from mio.contracts.rates import FACE_FPS, MICROPHONE_HZ, SPEECH_HZ, VIDEO_FPS
from mio.measure.face import blink_frames, gaze_off_deg, head_deg, longest_freeze_s, pictured
from mio.measure.lipsync import burst_times_s
from mio.measure.mouth import MouthGauge, MouthShape
from nodes.face.config import FaceConfig
from nodes.face.engine import VisemeEngine
from nodes.face.gaze import CONTACT_DEG
from nodes.face.visemes import BILABIAL

DURATION = "about 4 min"

CLOSED_MM = 0.5
TOUCH_MM = 1.5
PARTED_MM = 1.0

TEXTS = (
    "Hello, and welcome to my workshop. It is a small place, but I like it very much.",
    "My mother bought me a big blue boat when I was five. We moved it up the river, past the old mill.",
    "People often ask me why I keep so many maps. Maybe because paper remembers what people forget.",
    "Before breakfast I usually water the plants, feed the fish, and open every window for the fresh air.",
    "Would you believe that the oldest lamp here is from the year nineteen hundred and four?",
    "Some evenings a thick fog comes up from the harbour, and you can hear the ships, but you never see them.",
    "Bob and Pam have baked a pumpkin pie for the family. Papa will pop the champagne at half past four.",
    "I have never been afraid of the dark. Five voices from above the roof, however, would move me to leave.",
    "The wolf who woke up in the woods would rather choose a warm room and two good books.",
    "Thank you for visiting me. Please come back on Monday, if the weather permits!",
)
SENTENCE = "Papa put five old books above the food."
_EMOTIONS = ("happy", "neutral", "tender", "curious", "thoughtful", "amused", "surprised", "sad")
_QUESTIONS = (
    "Hello, I wanted to ask you something about the place where you live.",
    "It was raining all day, and so we stayed at home and played games, you know.",
    "My sister told me that the museum is closed on Mondays. Is that true?",
    "Well, I don't really know what to say about that, but it sounds quite interesting to me.",
    "And then, after a long walk along the river, we finally found the old bridge.",
)
_ONSET_S = 4.0


class SpokenPhone(NamedTuple):
    """A phone in stage time."""

    symbol: str
    start_s: float
    end_s: float
    stress: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--seeds", type=int, default=3, help="runs with different chance (3)")
    parser.add_argument("--pictures", type=Path, help="only draw contact sheets into this folder")
    parser.add_argument("--minutes", type=float, default=3.0, help="of listening and of silence, per seed (3)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure speaking, listening, silence and interruption."""
    if args.pictures is not None:
        _draw(args.pictures)
        report.note(f"no figures: contact sheets are in {args.pictures}")
        return
    turns = [spoken_turn(text, index) for index, text in enumerate(TEXTS)]
    voice = user_voice(60.0 * args.minutes)
    seen = [_speaking(turns, seed) for seed in range(1, args.seeds + 1)]
    _report_lips(report, turns, seen)
    _report_bursts(report, turns, seen)
    _report_speaking(report, turns, seen)
    listening = [_listening(voice, seed) for seed in range(1, args.seeds + 1)]
    _report_behaviour(report, "listening", [run.frames for run in listening])
    silent = [Stage(_engine(seed)).run(60.0 * args.minutes) for seed in range(1, args.seeds + 1)]
    _report_behaviour(report, "idle", [run.frames for run in silent])
    _report_reactions(report, turns, voice)
    runs = seen + listening + silent
    cost = [1e3 * run.cpu_s / len(run.frames) for run in runs]
    report.figure("cpu_per_frame_ms", float(np.median(cost)), target=6.0)
    report.figure("cpu_per_frame_worst_run_ms", max(cost))


def _draw(folder: Path) -> None:
    """Draw the sheets of the node's documentation."""
    from mio.bench import _face_pictures as pictures

    drawer = pictures.Drawer()
    drawer.sheet(pictures.phones(), folder / "phones.jpg", of="mouth", columns=7, pixels=170)
    drawer.sheet(pictures.emotions(), folder / "emotions.jpg", of="head", columns=4, pixels=280)
    stage = Stage(_engine(1))
    end_s = stage.say(1.0, spoken_turn(SENTENCE, 1))
    seen = stage.run(end_s)
    spoken = pictures.moments(seen, seen.starts_s[2], seen.starts_s[2] + 2.0)
    drawer.sheet(spoken, folder / "sentence.jpg", of="lower_face", columns=10, pixels=140)
    listening = _listening(user_voice(60.0), 1)
    drawer.sheet(
        pictures.moments(listening, 1.0, 59.0, 1.16), folder / "listening.jpg", of="head", columns=10, pixels=130
    )


def _engine(seed: int) -> VisemeEngine:
    return VisemeEngine(FaceConfig(seed=seed))


def spoken_turn(text: str, index: int) -> list[Speech]:
    """A turn as the talker sends it."""
    from nodes.talker.config import TalkerConfig
    from nodes.talker.engine import build_engine

    clauses = [part.strip() for part in text.replace("?", "?|").replace(".", ".|").split("|") if part.strip()]
    talker = build_engine(TalkerConfig(engine="espeak"))
    chunks: list[Speech] = []
    for place, clause in enumerate(clauses):
        reply = Reply(
            text=clause,
            index=place,
            segment_id=index + 1,
            emotion=_EMOTIONS[index % len(_EMOTIONS)],
            intensity=0.7,
            fin=place == len(clauses) - 1,
        )
        outputs = [output[1] for output in talker.step("reply", reply) if output]
        chunks += [message for message in outputs if isinstance(message, Speech)]
    return chunks


def user_voice(seconds: float) -> FloatArray:
    """Sentences of another voice with pauses, and a little noise."""
    import soxr

    from mio.espeak import Espeak

    chance = np.random.default_rng(7)
    parts: list[npt.NDArray[np.float64]] = []
    count = 0
    while count < seconds * MICROPHONE_HZ:
        text = _QUESTIONS[int(chance.integers(len(_QUESTIONS)))]
        spoken = Espeak.shared().synthesize(text, "en-gb", rate_wpm=int(chance.integers(140, 176)))
        sound = 0.6 * soxr.resample(spoken.samples, spoken.sample_rate, MICROPHONE_HZ)
        pause = np.zeros(round(chance.uniform(0.35, 1.3) * MICROPHONE_HZ))
        parts += [sound, pause]
        count += len(sound) + len(pause)
    voice = np.concatenate(parts)[: round(seconds * MICROPHONE_HZ)]
    return (voice + chance.normal(0.0, 0.002, len(voice))).clip(-1.0, 1.0).astype(np.float32)


def _speaking(turns: list[list[Speech]], seed: int) -> Seen:
    stage = Stage(_engine(seed))
    at_s = 1.0
    for chunks in turns:
        at_s = stage.say(at_s, chunks) + 1.5
    return stage.run(at_s)


def _listening(voice: FloatArray, seed: int) -> Seen:
    stage = Stage(_engine(seed))
    stage.at(0.5, "turn", Turn(state="user_speaking"))
    stage.hear(0.5, voice)
    return stage.run(len(voice) / MICROPHONE_HZ)


def spoken_phones(turns: list[list[Speech]], seen: Seen) -> list[SpokenPhone]:
    """All phones in stage time."""
    found: list[SpokenPhone] = []
    for chunks in turns:
        start_s = seen.starts_s[chunks[0].segment_id]
        phones = [(p, s, t) for c in chunks for p, s, t in zip(c.phones, c.phone_start_s, c.phone_stress, strict=True)]
        for (symbol, at_s, stress), (_, next_s, _) in zip(phones, phones[1:], strict=False):
            found.append(SpokenPhone(symbol, start_s + at_s, start_s + next_s, stress))
    return found


def _report_lips(report: Report, turns: list[list[Speech]], runs: list[Seen]) -> None:
    gauge = MouthGauge()
    rest = gauge.measure(np.zeros((1, 52)))
    report.figure("neutral_gap_mm", float(rest.widest_gap_mm[0]))
    report.figure("neutral_lip_to_teeth_mm", float(rest.lip_to_teeth_mm[0]))
    closed: list[float] = []
    touching: list[float] = []
    widths: dict[str, list[float]] = {"rounded": [], "other": []}
    opening: list[float] = []
    for run in runs:
        times_s = np.arange(run.first_s, run.first_s + len(run.frames) / FACE_FPS, 1.0 / VIDEO_FPS)
        mouth = gauge.measure(pictured(run.frames, run.first_s, times_s))
        for phone in spoken_phones(turns, run):
            inside = (times_s >= phone.start_s - 0.05) & (times_s <= phone.end_s + 0.03)
            _note(phone, mouth, inside, closed, touching, widths, opening)
    report.figure("closed_mbp_share", _share_below(closed, CLOSED_MM), target=0.9, at_least=True)
    report.figure("closed_mbp_gap_p95_mm", percentile(closed, 0.95))
    report.figure("closures", len(closed))
    report.figure("touching_fv_share", _share_below(touching, TOUCH_MM), target=0.9, at_least=True)
    report.figure("touching_fv_p95_mm", percentile(touching, 0.95))
    narrower = 1.0 - float(np.median(widths["rounded"]) / np.median(widths["other"]))
    report.figure("rounded_narrower_share", narrower, target=0.1, at_least=True)
    report.figure("open_vowel_gap_p50_mm", float(np.median(opening)), target=6.0, at_least=True)


def _report_bursts(report: Report, turns: list[list[Speech]], runs: list[Seen]) -> None:
    """Labial bursts, found in the sound alone: are the lips closed before, and when do they part?"""
    gauge = MouthGauge()
    late_ms: list[float] = []
    open_before = 0
    for run in runs:
        for burst_s in _labial_bursts_s(turns, run):
            times_s = burst_s + np.arange(-0.12, 0.12, 0.005)
            gap = gauge.measure(pictured(run.frames, run.first_s, times_s)).widest_gap_mm
            closed = np.flatnonzero((gap <= CLOSED_MM) & (times_s <= burst_s + 1.0 / FACE_FPS))
            if not len(closed):
                open_before += 1
                continue
            parted = closed[-1] + int(np.argmax(gap[closed[-1] :] > PARTED_MM))
            late_ms.append(1e3 * float(times_s[parted] - burst_s))
    report.figure("bursts", len(late_ms) + open_before)
    report.figure("bursts_from_open_lips", open_before, target=0)
    report.figure("parting_after_burst_p50_ms", percentile(late_ms, 0.5))
    report.figure("parting_off_burst_p95_ms", percentile([abs(late) for late in late_ms], 0.95), target=40)


def _labial_bursts_s(turns: list[list[Speech]], run: Seen) -> list[float]:
    """Stage times of the bursts of /p b/ after a silent closure, but of those before another closure of the lips."""
    found: list[float] = []
    for chunks in turns:
        start_s = run.starts_s[chunks[0].segment_id]
        phones = spoken_phones([chunks], run)
        for burst_s in burst_times_s(np.concatenate([chunk.samples for chunk in chunks]), SPEECH_HZ):
            at_s = start_s + burst_s
            around = [phone for phone in phones if phone.start_s - 0.02 <= at_s <= phone.end_s + 0.02]
            after = [phone for phone in phones if at_s < phone.start_s <= at_s + 0.1]
            if any(phone.symbol in ("p", "b") for phone in around) and not any(p.symbol in BILABIAL for p in after):
                found.append(at_s)
    return found


def _note(
    phone: SpokenPhone,
    mouth: MouthShape,
    inside: npt.NDArray[np.bool_],
    closed: list[float],
    touching: list[float],
    widths: dict[str, list[float]],
    opening: list[float],
) -> None:
    """Keep what a phone's pictures show of it."""
    if phone.symbol == SILENCE or not inside.any():
        return
    facts = PHONES[phone.symbol]
    if facts.place == "bilabial":
        closed.append(float(mouth.widest_gap_mm[inside].min()))
    elif facts.place == "labiodental":
        touching.append(float(mouth.lip_to_teeth_mm[inside].min()))
    elif facts.manner == "vowel" and phone.stress == 1:
        widths["rounded" if facts.rounding >= 0.6 else "other"].append(float(mouth.width_mm[inside].min()))
        if facts.openness >= 0.8:
            opening.append(float(mouth.gap_mm[inside, 0].max()))


def _report_speaking(report: Report, turns: list[list[Speech]], runs: list[Seen]) -> None:
    parts: list[npt.NDArray[np.float32]] = []
    for run in runs:
        spans = [(run.starts_s[c[0].segment_id], max(chunk.end_s for chunk in c)) for c in turns]
        parts.append(np.concatenate([run.between(start_s, start_s + length_s) for start_s, length_s in spans]))
    _report_behaviour(report, "speaking", parts)


def _report_behaviour(report: Report, name: str, runs: list[npt.NDArray[np.float32]]) -> None:
    minutes = sum(len(frames) for frames in runs) / FACE_FPS / 60.0
    frames = np.concatenate(runs)
    turned = head_deg(frames)
    report.row(
        f"behaviour over {len(runs)} seeds",
        doing=name,
        minutes=round(minutes, 1),
        blinks_per_min=round(sum(len(blink_frames(part)) for part in runs) / minutes, 1),
        eye_contact_share=round(float((gaze_off_deg(frames, FaceConfig().viewer_below_deg) < CONTACT_DEG).mean()), 3),
        head_pitch_yaw_roll_sd_deg=" ".join(f"{value:.2f}" for value in turned.std(0)),
        brow_sd=round(float(frames[:, ARKIT_INDEX["browInnerUp"]].std()), 3),
        longest_freeze_s=round(max(longest_freeze_s(part) for part in runs), 2),
    )
    report.figures[f"{name}_blinks_per_min"] = round(sum(len(blink_frames(part)) for part in runs) / minutes, 2)
    report.figures[f"{name}_eye_contact_share"] = round(
        float((gaze_off_deg(frames, FaceConfig().viewer_below_deg) < CONTACT_DEG).mean()), 3
    )


def _report_reactions(report: Report, turns: list[list[Speech]], voice: FloatArray) -> None:
    """From the user's first sound to the first frame that differs from one without it; from commit to closed lips."""
    first, closing = [], []
    gauge = MouthGauge()
    for seed in range(1, 11):
        with_user, without = Stage(_engine(seed)), Stage(_engine(seed))
        room = (0.002 * np.random.default_rng(seed).standard_normal(round(6.0 * MICROPHONE_HZ))).astype(np.float32)
        without.hear(0.0, room.copy())
        room[round(_ONSET_S * MICROPHONE_HZ) :] += voice[: round((6.0 - _ONSET_S) * MICROPHONE_HZ)]
        with_user.hear(0.0, room)
        frames, others = with_user.run(_ONSET_S + 2.0), without.run(_ONSET_S + 2.0)
        differs = np.abs(frames.frames - others.frames).max(1) > 0.005
        first.append(frames.first_s + int(np.argmax(differs)) / FACE_FPS - _ONSET_S - _silence_s(voice))
        chunks = turns[seed % len(turns)]
        stage = Stage(_engine(seed))
        stage.say(1.0, chunks)
        at_s = 2.0 + 0.05 * seed
        stage.at(at_s, "interrupt", Interrupt(action="commit", segment_id=chunks[0].segment_id))
        run = stage.run(at_s + 1.5)
        gap = gauge.measure(run.frames).widest_gap_mm
        open_at = np.flatnonzero(gap > 1.0)
        closing.append(run.first_s + (int(open_at[-1]) + 1 if len(open_at) else 0) / FACE_FPS - at_s)
    report.figure("reaction_to_user_p95_ms", 1e3 * percentile(first, 0.95), target=500)
    report.figure("interrupted_to_closed_p95_ms", 1e3 * percentile(closing, 0.95), target=200)


def _silence_s(voice: FloatArray) -> float:
    """Silence before the first sound."""
    return float(np.argmax(np.abs(voice) > 0.02)) / MICROPHONE_HZ


def _share_below(values: list[float], limit: float) -> float:
    return float(np.mean(np.array(values) <= limit))
