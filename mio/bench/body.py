"""The body's network: R-precision, FID, distance to text, diversity, jerk, foot slide, time until a new prompt is seen.

A small judge is trained on the train split first (kept in the output folder); what it says of real motion is the first
row. All other rows are on captured clips of the validation split.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mio.bench._body_pictures import draw_sheets
from mio.bench._motion_evaluator import (
    FRAMES,
    MotionEvaluator,
    Vectors,
    embed_motion,
    embed_text,
    trained_evaluator,
)
from mio.bench._motion_figures import distance, diversity, foot_slide, jerk, precision
from mio.bench._motion_generation import Generator, mean_and_range, whole
from mio.bench._named_folders import named_folders
from mio.bench._prompt_change import Stage, latency_s
from mio.bench.report import Report, percentile
from mio.contracts.rates import BODY_FPS
from mio.contracts.skeleton import SMPL_JOINTS
from mio.errors import MioError
from mio.measure.frechet import frechet_distance
from mio.paths import share
from mio.sentences.encoder import SentenceEncoder
from nodes.body.models.causal_vae import FRAMES_PER_LATENT
from nodes.body.models.sampler import Guidance
from nodes.body.motion.features import decode_positions
from nodes.body.skeleton import forward
from nodes.body.training.motion_set import Clip, read_clips

DURATION = "about 15 min"

_LEAST_FRAMES = 40
_PART_LATENTS = 15
_AROUND_FRAMES = 20
_CHANGES = 24
_STANDING_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--data", type=Path, default=os.environ.get("MIO_DATA"), help="folder of the motion set")
    parser.add_argument("--weights", type=Path, default=share("weights", "body-laptop"), help="folder of the networks")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=FOLDER", help="networks to compare with")
    parser.add_argument("--seeds", type=int, default=3, help="of sampling (3)")
    parser.add_argument("--clips", type=int, default=1000, help="most clips of the validation split, spread evenly")
    parser.add_argument("--guidance", type=float, default=4.0, help="of the text (4.0)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw sheets of live motion (needs no set)")
    parser.add_argument("--history", type=int, default=16, help="latents that are seen (16)")
    parser.add_argument("--mixed-history", type=int, default=8, help="the same while they are of several texts (8)")


class Judge(NamedTuple):
    """What generated motion is compared with.

    Attributes:
        model: The judge.
        encoder: Reads texts.
        clips: Captured clips of the validation split.
        real: Their vectors.
        usual_jerk: Mean jerk of them, m/s3.
    """

    model: MotionEvaluator
    encoder: SentenceEncoder
    clips: list[Clip]
    real: Vectors
    usual_jerk: float


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure real motion, the autoencoder's, and what each network generates."""
    torch.set_num_threads(1)
    if args.pictures:
        shipped = Generator(args.weights, SentenceEncoder(), Guidance(args.guidance, args.history, args.mixed_history))
        draw_sheets(shipped.engine, args.pictures)
        report.note(f"sheets of the live engine's motion: {args.pictures}")
    if args.data is None and args.pictures:
        return
    if args.data is None:
        raise MioError("this benchmark needs a motion set", "name its folder with --data or MIO_DATA")
    encoder = SentenceEncoder()
    cache = args.out / "body-cache"
    train = read_clips(args.data, "train", cache, mirror=True)
    model = trained_evaluator(train, encoder, cache / "evaluator.safetensors", seed=1)
    clips = [clip for clip in read_clips(args.data, "val", cache) if len(clip.features) >= _LEAST_FRAMES]
    clips = clips[:: -(-len(clips) // args.clips)]
    motions = [whole(clip.features, FRAMES) for clip in clips]
    usual = float(np.mean([jerk(_places(motion)).mean() for motion in motions]))
    judge = Judge(model, encoder, clips, embed_motion(model, motions), usual)
    rng = np.random.default_rng(0)
    some = rng.choice(len(train) // 2, len(clips), replace=False)  # the second half is mirrored
    seen = embed_motion(model, [whole(train[number].features, FRAMES) for number in some])
    report.figure("fid_train_to_val", frechet_distance(seen, judge.real))
    _row(report, judge, "real", [motions])
    guidance = Guidance(args.guidance, args.history, args.mixed_history)
    for name, folder in [("shipped", args.weights), *named_folders("--also", args.also)]:
        generator = Generator(folder, encoder, guidance)
        _measure(report, judge, name, generator, args.seeds)
    captions = {clip.captions for clip in clips}
    report.note(f"{len(clips)} clips of the validation split with {len(captions)} sets of captions; seeds of sampling")


def _measure(report: Report, judge: Judge, name: str, generator: Generator, seeds: int) -> None:
    if name == "shipped":
        made = [generator.reconstruct(whole(clip.features, FRAMES)) for clip in judge.clips]
        _row(report, judge, "autoencoder", [made])
    runs = [[_generated(generator, clip, seed) for clip in judge.clips] for seed in range(seeds)]
    figures = _row(report, judge, name, runs)
    if name == "shipped":
        report.figure("fid", figures["fid"], target=3 * report.figures["fid_train_to_val"])
        report.figure("r3", figures["r3"], target=0.8 * report.figures["real_r3"], at_least=True)
    _changes(report, judge, name, generator)
    _standing(report, name, generator)
    waits = latency_s(generator.engine)
    report.figure(f"{name}_prompt_change_p50_s", percentile(waits, 0.5))
    report.figure(f"{name}_prompt_change_p95_s", percentile(waits, 0.95), target=1.0)


def _row(report: Report, judge: Judge, name: str, runs: Sequence[Sequence[Vectors]]) -> dict[str, float]:
    """Figures of the same clips, generated once or several times; their means."""
    texts = embed_text(judge.model, judge.encoder, [clip.captions[0] for clip in judge.clips])
    groups = [clip.captions for clip in judge.clips]
    found: dict[str, list[float]] = {}
    for number, motions in enumerate(runs):
        rng = np.random.default_rng(number)
        vectors = embed_motion(judge.model, motions)
        places = [_places(motion) for motion in motions]
        r1, r2, r3 = precision(vectors, texts, groups, rng)
        values = {"fid": frechet_distance(vectors, judge.real), "r1": r1, "r2": r2, "r3": r3}
        values |= {"text_distance": distance(vectors, texts), "diversity": diversity(vectors, rng)}
        values |= {
            "jerk": float(np.mean([jerk(place).mean() for place in places])),
            "slide_cm_s": float(np.mean([foot_slide(place) for place in places])),
        }
        for key, value in values.items():
            found.setdefault(key, []).append(value)
    report.row("motion", of=name, **{key: mean_and_range(values) for key, values in found.items()})
    means = {key: float(np.mean(values)) for key, values in found.items()}
    if name == "real":
        report.figure("real_r3", means["r3"])
    return means


def _generated(generator: Generator, clip: Clip, seed: int) -> Vectors:
    latents = 1 + (min(len(clip.features), FRAMES) - 1) // FRAMES_PER_LATENT
    return generator.generate([clip.captions[0]] * latents, seed)


def _changes(report: Report, judge: Judge, name: str, generator: Generator) -> None:
    """Peak of the jerk, and area between it and real motion's mean, within a second around a change of the text.

    Source: Barquero et al., "Seamless Human Motion Composition with Blended Positional Encodings" (CVPR 2024).
    """
    rng, peaks, areas = np.random.default_rng(0), list[float](), list[float]()
    for number in range(_CHANGES):
        pair = [judge.clips[int(k)].captions[0] for k in rng.integers(len(judge.clips), size=2)]
        texts = [pair[0]] * _PART_LATENTS + [pair[1]] * _PART_LATENTS
        places = _places(generator.generate(texts, number))
        change = 1 + FRAMES_PER_LATENT * (_PART_LATENTS - 1)
        around = jerk(places[change - _AROUND_FRAMES : change + _AROUND_FRAMES])
        peaks.append(float(around.max()))
        areas.append(float(np.abs(around - judge.usual_jerk).sum() / BODY_FPS))
    real = [jerk(_places(whole(clip.features, 2 * _AROUND_FRAMES))) for clip in judge.clips]
    area = np.mean([np.abs(values - judge.usual_jerk).sum() / BODY_FPS for values in real])
    if name == "shipped":
        peak = np.mean([values.max() for values in real])
        report.row("changes", of="real, no change", peak_jerk=round(float(peak), 1), jerk_area=round(float(area), 2))
    peak, area = float(np.mean(peaks)), float(np.mean(areas))
    report.row("changes", of=name, peak_jerk=round(peak, 1), jerk_area=round(area, 2))


def _standing(report: Report, name: str, generator: Generator) -> None:
    """Half a minute of the live engine with nobody asking for anything, the network moving the body all the same."""
    frames = Stage(generator.engine(1, "always")).play(_STANDING_S)[2 * BODY_FPS :]
    places = forward(frames)[0][:, : len(SMPL_JOINTS)]
    ankles = places[:, [SMPL_JOINTS.index("left_ankle"), SMPL_JOINTS.index("right_ankle")]]
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1) * BODY_FPS
    report.row(
        "standing, live",
        of=name,
        fastest_joint_m_s=round(float(speed.max()), 2),
        peak_jerk=round(float(jerk(places).max()), 1),
        pelvis_range_mm=round(1e3 * float(np.ptp(frames[:, (0, 2)], axis=0).max()), 1),
        ankles_range_mm=round(1e3 * float(np.ptp(ankles, axis=0).max()), 1),
    )


def _places(features: Vectors) -> np.ndarray:
    return decode_positions(features.astype(np.float64))
