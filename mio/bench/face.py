"""The learned face: how like held-out faces it is, whether it freezes, whether its lips close, beside the rules.

Held-out conversations are those that ``mio train face --stage data`` builds: their lips come from the viseme model and
their heads from body motion, so that likeness to them says how well the model learned its data, not how real it is. The
one real pair of face and voice (seq12) is reported apart and was never learned from.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mio.bench import _face_pair as pair
from mio.bench._face_stage import Seen, Stage
from mio.bench._face_tracks import Pair, conversations, figures, generated, unpaired
from mio.bench._named_folders import named_folders
from mio.bench.report import Report, percentile
from mio.bench.viseme import CLOSED_MM, SENTENCE, TEXTS, spoken_phones, spoken_turn, user_voice
from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.engine import Engine
from mio.contracts.messages import FloatArray, Speech, Turn
from mio.contracts.phones import PHONES
from mio.contracts.rates import FACE_FPS, MICROPHONE_HZ, VIDEO_FPS
from mio.measure.face import blink_frames, gaze_off_deg, head_deg, longest_freeze_s, pictured
from mio.measure.mouth import MouthGauge
from mio.paths import share
from nodes.face.chain import HOP_FRAMES
from nodes.face.chunks import ChunkModel
from nodes.face.config import FaceConfig
from nodes.face.engine import build_engine
from nodes.face.gaze import CONTACT_DEG
from nodes.face.training.captures import HELD_OUT, PAIRED, Capture, read_set

DURATION = "about 15 min"

_LIVING = (8.0, 30.0)  # blinks per minute
_LIKE = (0.5, 2.0)  # of a variance over that of the real face
_LISTENING_S = 60.0
_SPOKEN = 5  # texts
_ALONE = ", the network alone"
_PAIR_S = (4.0, 6.0)  # of the real pair that is drawn
_FILM_S = (1.0, 7.0)  # and that is filmed
_LISTENERS = 8  # faces of the data
_BROW = ARKIT_INDEX["browInnerUp"]
_BELOW_DEG = FaceConfig().viewer_below_deg
_CORE = [*range(52), 100, 101, 102]


class Arm(NamedTuple):
    """A face that is measured: its name, the engine with a seed, and the trained model if it has one."""

    name: str
    engine: Callable[[int], Engine]
    model: Callable[[int], ChunkModel] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--data", type=Path, help="data folder with face_motion, for the real pair")
    parser.add_argument("--run", type=Path, default=Path("out/train/face"), help="run of mio train face, for its data")
    parser.add_argument("--weights", type=Path, default=share("weights", "face-laptop"), help="the shipped model")
    parser.add_argument(
        "--arm", action="append", default=[], metavar="NAME=FOLDER", help="another model, such as an ablation, alone"
    )
    parser.add_argument("--seeds", type=int, default=3, help="of the choice of bits (3)")
    parser.add_argument("--tracks", type=int, default=4, help="held-out faces of a minute (4)")
    parser.add_argument("--pictures", type=Path, help="only draw contact sheets and a film into this folder")
    parser.add_argument("--guidance", type=float, default=FaceConfig().guidance, help="of the own voice")
    parser.add_argument("--temperature", type=float, default=FaceConfig().temperature, help="of the choice of bits")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure the rules, the shipped model as the engine runs it, and the same network alone.

    Of other models that are named it is only measured how they live and how like the held-out faces they are, alone.
    """
    models = [("unils", args.weights), *named_folders("--arm", args.arm)]
    arms = [_rules(), _learned(*models[0], args)]
    bare = [_learned(f"{name}{_ALONE}", folder, args, "network") for name, folder in models]
    if args.pictures is not None:
        _draw(arms, args)
        report.note(f"no figures: contact sheets and the film are in {args.pictures}")
        return
    if (args.run / "data" / "test.npz").is_file():
        _report_likeness(report, bare, args)
    else:
        report.note("no likeness to held-out faces: build the data first, with mio train face --stage data")
    if args.data is not None:
        _report_pair(report, [*arms, bare[0]], args)
    else:
        report.note("no real pair: name the data folder with --data")
    _report_listening(report, [*arms, *bare], args)
    _report_speech(report, [*arms, bare[0]], args.seeds)


def _draw(arms: list[Arm], args: argparse.Namespace) -> None:
    """The same sentence, the same listening and the real pair, one face above the other."""
    from mio.bench import _face_pictures as pictures

    folder, drawer, voice = args.pictures, pictures.Drawer(), user_voice(20.0)
    if args.data is not None:
        faces = _beside_the_real_one(arms, args.data)
        rows = [moment for frames in faces.values() for moment in pictures.moments(_seen(frames), *_PAIR_S, 0.2)]
        drawer.sheet(rows, folder / "learned_pair.jpg", of="head", columns=10, pixels=140)
        low, high = (round(at_s * FACE_FPS) for at_s in _FILM_S)
        film = {name: frames[low:high] for name, frames in faces.items()}
        drawer.film(film, folder / "learned_pair.webp", of="head", pixels=240)
    spoken: list[pictures.Labelled] = []
    listening: list[pictures.Labelled] = []
    for arm in arms:
        stage = Stage(arm.engine(1))
        end_s = stage.say(1.0, spoken_turn(SENTENCE, 1))
        seen = stage.run(end_s)
        begin_s = seen.starts_s[2]
        spoken += pictures.moments(seen, begin_s, begin_s + 0.8)
        heard = _listening(arm.engine(1), voice)
        listening += pictures.moments(heard, 4.0, 12.0, 0.8)
    drawer.sheet(spoken, folder / "learned_sentence.jpg", of="lower_face", columns=10, pixels=140)
    drawer.sheet(listening, folder / "learned_listening.jpg", of="head", columns=10, pixels=140)


def _beside_the_real_one(arms: list[Arm], data: Path) -> dict[str, FloatArray]:
    """``[n, 112]`` frames of each face as it says what was said in the real pair, and of the capture."""
    capture = _captured_pair(data)
    spoken = pair.read(data / "face_motion" / f"{capture.name}.opus")
    shown = {arm.name: pair.shown(arm.engine(1), spoken) for arm in arms}
    return {**shown, "captured": capture.frames}


def _seen(frames: FloatArray) -> Seen:
    return Seen(frames, 0.0, [], {}, 0.0)


def _silent(data: Path) -> list[Capture]:
    return [clip for clip in read_set(data / "face_motion") if clip.name not in PAIRED]


def _captured_pair(data: Path) -> Capture:
    return next(clip for clip in read_set(data / "face_motion") if clip.name in PAIRED)


def _rules() -> Arm:
    def engine(seed: int) -> Engine:
        return build_engine(FaceConfig(engine="viseme", seed=seed))

    return Arm("viseme", engine, None)


def _learned(name: str, folder: Path, args: argparse.Namespace, led: Literal["rules", "network"] = "rules") -> Arm:
    settings = {"guidance": args.guidance, "temperature": args.temperature}

    def engine(seed: int) -> Engine:
        return build_engine(
            FaceConfig(engine="unils", weights=folder, seed=seed, eyes=led, contacts=led, accents=led, **settings)
        )

    def model(seed: int) -> ChunkModel:
        return ChunkModel(folder, seed=seed, **settings)

    return Arm(name, engine, model)


def _report_likeness(report: Report, arms: list[Arm], args: argparse.Namespace) -> None:
    built = args.run / "data"
    references = conversations(built, "test", args.tracks)
    seen = conversations(built, "train", args.tracks)
    length = min(len(pair.made) for pair in (*references, *seen))
    other = [Pair(a.made[:length], b.made[:length], b.speaking[:length]) for a, b in zip(seen, references, strict=True)]
    report.row("likeness to held-out faces", face="another face", **_rounded([figures(other)]))
    mean = [Pair(np.repeat(p.made.mean(0, keepdims=True), len(p.made), 0), p.reference, p.speaking) for p in references]
    report.row("likeness to held-out faces", face="frozen face", **_rounded([figures(mean)]))
    _report_unpaired(report, references, args)
    for arm in arms:
        if arm.model is None:
            continue
        found = [figures(generated(built, "test", args.tracks, arm.model(seed))) for seed in range(1, args.seeds + 1)]
        report.row("likeness to held-out faces", face=arm.name, **_rounded(found))
        if arm.name == f"unils{_ALONE}":
            report.figures.update({f"test_{name}": float(np.mean([f[name] for f in found])) for name in found[0]})


def _report_unpaired(report: Report, references: list[Pair], args: argparse.Namespace) -> None:
    """The captures, and the rules on other speech and another user's voice, by what needs no frame beside a frame."""
    title, seeds = "likeness to held-out faces", range(1, args.seeds + 1)
    speaking = np.concatenate([pair.reference[pair.speaking] for pair in references])
    listening = np.concatenate([pair.reference[~pair.speaking] for pair in references])
    if args.data is not None:
        frames = np.concatenate([clip.frames for clip in _silent(args.data)])
        report.row(title, face="captures", **_rounded([unpaired(frames, listening, "L", head=False)]))
    rules, voice, found = _rules(), user_voice(_LISTENING_S), list[dict[str, float]]()
    for seed in seeds:
        said, heard = _spoken(rules.engine(seed), _turns()), _listening(rules.engine(seed), voice)
        found.append({**unpaired(said.frames, speaking, "S"), **unpaired(heard.frames, listening, "L")})
    report.row(title, face=rules.name, **_rounded(found))


def _report_pair(report: Report, arms: list[Arm], args: argparse.Namespace) -> None:
    capture = _captured_pair(args.data)
    spoken = pair.read(args.data / "face_motion" / f"{capture.name}.opus")
    report.note(f"{capture.name}: heard as '{spoken.text}', {spoken.phones} phones aligned")
    frozen = np.repeat(capture.frames.mean(0, keepdims=True), len(capture.frames), 0)
    report.row(f"the real pair, {capture.name}", face="frozen face", **_rounded([pair.figures(frozen, capture.frames)]))
    for arm in arms:
        found = [
            pair.figures(pair.shown(arm.engine(seed), spoken), capture.frames) for seed in range(1, args.seeds + 1)
        ]
        report.row(f"the real pair, {capture.name}", face=arm.name, **_rounded(found))
        report.figures[f"pair_{arm.name}_LVE_mm"] = float(np.mean([f["LVE"] for f in found]))


def _report_listening(report: Report, arms: list[Arm], args: argparse.Namespace) -> None:
    """The zombie-face test: only the user speaks."""
    voice, brows, heads = user_voice(_LISTENING_S), None, None
    if args.data is not None:
        silent = _silent(args.data)
        brows = _living(report, "captures", [clip.frames for clip in silent])[1]
        _living(report, "captures held out", [clip.frames for clip in silent if clip.name in HELD_OUT])
    if (args.run / "data" / "test.npz").is_file():
        heard = [face.reference[~face.speaking] for face in conversations(args.run / "data", "test", _LISTENERS)]
        heads = _living(report, "held-out faces of the data", heard)[0]
    for arm in arms:
        runs = [_listening(arm.engine(seed), voice) for seed in range(1, args.seeds + 1)]
        head, brow = _living(report, arm.name, [seen.frames for seen in runs], heads, brows)
        if arm.name == "unils":
            _report_borders(report, runs)
            for name, made, reference in (("brow", brow, brows), ("head", head, heads)):
                if reference is not None:
                    report.figure(f"listening_{name}_variance_over_reference", made / reference)
                    inside = float(_LIKE[0] <= made / reference <= _LIKE[1])
                    report.figure(f"listening_{name}_variance_within_half_to_double", inside, target=1, at_least=True)


def _listening(engine: Engine, voice: FloatArray) -> Seen:
    stage = Stage(engine)
    stage.at(0.5, "turn", Turn(state="user_speaking"))
    stage.hear(0.5, voice)
    return stage.run(len(voice) / MICROPHONE_HZ)


def _living(
    report: Report,
    name: str,
    runs: list[npt.NDArray[np.float32]],
    heads: float | None = None,
    brows: float | None = None,
) -> tuple[float, float]:
    """Report how a face lives.

    Args:
        report: Where it is said.
        name: Of the face.
        runs: ``[n, 112]`` frames each.
        heads: Variance of the head to compare with, square degrees.
        brows: Variance of the brows to compare with.

    Returns:
        Variances of the head, mean of its three angles, in square degrees, and of the brows.
    """
    minutes = sum(len(frames) for frames in runs) / FACE_FPS / 60
    blinks = sum(len(blink_frames(frames)) for frames in runs) / minutes
    freeze_s = max(longest_freeze_s(frames) for frames in runs)
    head = np.mean([head_deg(frames).var(0) for frames in runs], 0)
    brow = float(np.mean([frames[:, _BROW].var() for frames in runs]))
    report.row(
        "only the user speaks",
        face=name,
        minutes=round(minutes, 1),
        blinks_per_min=round(blinks, 1),
        head_sd_deg=" ".join(f"{value:.2f}" for value in np.sqrt(head)),
        head_over_data="" if heads is None else round(float(head.mean()) / heads, 2),
        eye_contact=round(float(np.mean([(gaze_off_deg(f, _BELOW_DEG) < CONTACT_DEG).mean() for f in runs])), 2),
        brow_sd=round(brow**0.5, 3),
        brow_over_captures="" if brows is None else round(brow / brows, 2),
        longest_freeze_s=round(freeze_s, 2),
    )
    if name == "unils":
        report.figure("listening_blinks_per_min", blinks)
        report.figure(
            "listening_blinks_within_8_to_30", float(_LIVING[0] <= blinks <= _LIVING[1]), target=1, at_least=True
        )
        report.figure("listening_longest_freeze_s", freeze_s, target=2.0)
    return float(head.mean()), brow


def _report_borders(report: Report, runs: list[Seen]) -> None:
    """How far a frame goes where a chunk begins, over how far inside, in units of each column's usual step."""
    ratios: list[float] = []
    for seen in runs:
        steps = np.abs(np.diff(seen.frames[:, _CORE], axis=0))
        usual = steps.mean(0)
        moved = (steps[:, usual > 1e-6] / usual[usual > 1e-6]).mean(1)
        begins = {round((message.start_stage_s - seen.first_s) * FACE_FPS) - 1 for _, message in seen.sent}
        border = np.array([index in begins for index in range(len(moved))])
        settled = np.arange(len(moved)) > 4 * HOP_FRAMES
        ratios.append(float(moved[border & settled].mean() / moved[~border & settled].mean()))
    report.figure("step_at_borders_over_inside", float(np.mean(ratios)), target=1.2)


def _report_speech(report: Report, arms: list[Arm], seeds: int) -> None:
    turns, gauge, ruled = _turns(), MouthGauge(), list[npt.NDArray[np.float64]]()
    for arm in arms:
        runs = [_spoken(arm.engine(seed), turns) for seed in range(1, seeds + 1)]
        gaps = [gauge.measure(run.frames).gap_mm[:, 0] for run in runs]
        ruled = ruled or gaps
        closed = [gap for run in runs for gap in _closures_mm(turns, run, gauge)]
        offset, likeness = zip(*(_offset(*both) for both in zip(gaps, ruled, strict=True)), strict=True)
        report.row(
            "its own speech",
            face=arm.name,
            closed_mbp=f"{np.mean(np.array(closed) <= CLOSED_MM):.0%} of {len(closed)}",
            gap_p50_mm=round(percentile(closed, 0.5), 2),
            opening_sd_mm=round(float(np.mean([gap.std() for gap in gaps])), 2),
            correlation_with_rules=round(float(np.mean(likeness)), 2),
            offset_to_rules_frames=float(np.mean(offset)),
            cpu_per_frame_ms=round(1e3 * sum(r.cpu_s for r in runs) / sum(len(r.frames) for r in runs), 2),
        )
        report.figures[f"{arm.name}_closed_mbp_share"] = float(np.mean(np.array(closed) <= CLOSED_MM))


def _turns() -> list[list[Speech]]:
    return [spoken_turn(text, index) for index, text in enumerate(TEXTS[:_SPOKEN])]


def _spoken(engine: Engine, turns: list[list[Speech]]) -> Seen:
    """What is seen of turns one after another."""
    stage, at_s = Stage(engine), 1.0
    for chunks in turns:
        at_s = stage.say(at_s, chunks) + 1.5
    return stage.run(at_s)


def _closures_mm(turns: list[list[Speech]], seen: Seen, gauge: MouthGauge) -> list[float]:
    """Smallest gap between the lips in each /m b p/, in pictures between frames too."""
    times_s = np.arange(seen.first_s, seen.first_s + len(seen.frames) / FACE_FPS, 1.0 / VIDEO_FPS)
    widest = gauge.measure(pictured(seen.frames, seen.first_s, times_s)).widest_gap_mm
    found: list[float] = []
    for phone in spoken_phones(turns, seen):
        inside = (times_s >= phone.start_s - 0.05) & (times_s <= phone.end_s + 0.03)
        if PHONES[phone.symbol].place == "bilabial" and inside.any():
            found.append(float(widest[inside].min()))
    return found


def _offset(opening: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]) -> tuple[int, float]:
    """Frames by which an opening of the lips comes after another, and their correlation there."""
    count = min(len(opening), len(reference)) - 10
    shifted = {
        lag: float(np.corrcoef(opening[5 + lag : 5 + lag + count], reference[5 : 5 + count])[0, 1])
        for lag in range(-5, 6)
    }
    best = max(shifted, key=lambda lag: shifted[lag])
    return best, shifted[best]


def _rounded(found: list[dict[str, float]]) -> dict[str, float]:
    """Means over seeds, three digits."""
    return {name: float(f"{np.mean([figures[name] for figures in found]):.3g}") for name in found[0]}
