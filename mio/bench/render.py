"""What a picture of the avatar costs: CPU time by quality tier, framing and size, and how long she takes to load.

Milliseconds are CPU time of the drawing thread, which in software does all the work: pose (interpolated motion, bones,
the face's vertices), draw (OpenGL), read (readback and smoothing of silhouettes). She moves and talks, so that nothing
is cached.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import moderngl
import numpy as np

from mio.bench.report import Report, percentile
from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.rates import FACE_DIM, VIDEO_FPS
from mio.contracts.skeleton import JOINT_INDEX
from nodes.renderer.cache import obtain_avatar
from nodes.renderer.config import BackgroundConfig, CameraConfig, Framing, Look, RendererConfig
from nodes.renderer.context import describe, is_software, open_context
from nodes.renderer.motion import actions_at, pose_at, resting_body
from nodes.renderer.quality import HIGH, LOW, MEDIUM, Tier
from nodes.renderer.studio import Studio
from nodes.renderer.timeline import Moment

DURATION = "about 3 min, and up to 2 min more where the avatar has to be made"

_TARGET_MS = 20.0
_SIZES = (720, 1080)
_FRAMINGS: tuple[Framing, ...] = ("face", "bust", "waist", "full")
_WARM_UP = 5


class _Cost(NamedTuple):
    """CPU milliseconds of one picture."""

    pose: float
    draw: float
    read: float

    @property
    def total(self) -> float:
        return self.pose + self.draw + self.read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    parser.add_argument("--pictures", type=Path, help="only draw the documentation's stills into this folder")
    parser.add_argument("--frames", type=int, default=60, help="pictures per tier, framing and size")
    parser.add_argument("--bake", action="store_true", help="also make the avatar anew and time it")
    parser.add_argument("--high", action="store_true", help="also measure the tier for GPUs where there is none")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure loading, then all tiers, framings and sizes."""
    if args.pictures is not None:
        from mio.bench import _render_pictures

        _render_pictures.draw(args.pictures)
        report.note(f"no figures: stills are in {args.pictures}")
        return
    report.note(f"drawn with {describe()['renderer']}")
    context = open_context()
    config = RendererConfig()
    if args.bake:
        with tempfile.TemporaryDirectory() as folder:
            report.figure("bake_s", _obtaining_s(context, Path(folder), fine=False), target=60)
    _obtaining_s(context, config.cache_dir, fine=False)
    report.figure("load_s", _obtaining_s(context, config.cache_dir, fine=False), target=1)
    tiers = [LOW, MEDIUM, HIGH] if args.high or not is_software(context) else [LOW, MEDIUM]
    for tier in tiers:
        asset = obtain_avatar(context, Look(), config.cache_dir, fine=tier.fine, texture_size=config.texture_size)
        for size in _SIZES:
            studio = Studio(context, asset, (size, size), tier, BackgroundConfig())
            for framing in _FRAMINGS:
                studio.look_through(framing, CameraConfig())
                _add(report, tier, size, framing, list(_costs(context, studio, args.frames)))


def _obtaining_s(context: moderngl.Context, folder: Path, *, fine: bool) -> float:
    began = time.perf_counter()
    obtain_avatar(context, Look(), folder, fine=fine, texture_size=RendererConfig().texture_size)
    return time.perf_counter() - began


def _add(report: Report, tier: Tier, size: int, framing: str, costs: list[_Cost]) -> None:
    totals = [cost.total for cost in costs]
    median, slow = percentile(totals, 0.5), percentile(totals, 0.95)
    shares = {
        f"{name}_ms": round(percentile([getattr(cost, name) for cost in costs], 0.5), 1) for name in _Cost._fields
    }
    report.row(
        "CPU time per picture",
        tier=tier.name,
        size=size,
        framing=framing,
        **shares,
        p50_ms=round(median, 1),
        p95_ms=round(slow, 1),
    )
    live = tier is MEDIUM and size == _SIZES[0] and framing != "full"
    report.figure(f"{tier.name}_{size}_{framing}_p50_ms", median, target=_TARGET_MS if live else None)
    report.figure(f"{tier.name}_{size}_{framing}_p95_ms", slow)


def _costs(context: moderngl.Context, studio: Studio, count: int) -> Iterator[_Cost]:
    for index in range(count + _WARM_UP):
        began = time.process_time()
        face, body = _moving(index / VIDEO_FPS)
        pose = pose_at(face, body, np.zeros(3))
        drawable = studio.drawable(pose, actions_at(face, pose))
        posed = time.process_time()
        studio.draw(drawable)
        context.finish()
        drawn = time.process_time()
        studio.develop()
        ended = time.process_time()
        if index >= _WARM_UP:
            yield _Cost(*(1000 * (b - a) for a, b in ((began, posed), (posed, drawn), (drawn, ended))))


def _moving(at_s: float) -> tuple[Moment, Moment]:
    """A moment of somebody who talks and sways."""
    face = np.zeros((2, FACE_DIM), np.float32)
    talk = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * at_s)
    for name, weight in (("jawOpen", 0.35), ("mouthFunnel", 0.2), ("mouthSmileLeft", 0.3), ("mouthSmileRight", 0.3)):
        face[:, ARKIT_INDEX[name]] = weight * talk
    for name, weight in (("eyeBlinkLeft", 0.2), ("eyeBlinkRight", 0.2), ("browInnerUp", 0.3), ("mouthPressLeft", 0.1)):
        face[:, ARKIT_INDEX[name]] = weight * (1 - talk)
    face[:, 100:103] = 0.08 * np.sin(2 * np.pi * 0.3 * at_s), 0.15 * np.sin(2 * np.pi * 0.2 * at_s), 0
    body = np.stack([resting_body()] * 2)
    for name in ("spine1", "spine2", "left_shoulder", "right_elbow"):
        joint = 3 + 3 * JOINT_INDEX[name]
        body[:, joint : joint + 3] += 0.05 * np.sin(2 * np.pi * 0.25 * at_s)
    return Moment(face[0], face[1], 0.5), Moment(body[0], body[1], 0.5)
