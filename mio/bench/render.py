"""What a picture of the avatar costs: CPU time by quality tier, framing and size, and how long she takes to load.

Milliseconds are CPU time: pose (interpolated motion, bones, the face's vertices), draw (OpenGL on the calling thread),
fill (all other threads, in software the one that fills triangles), read (readback, smoothing of silhouettes, bringing
to size). She answers with gestures as in a conversation; ``hands`` is the median of the pictures with both hands up.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import moderngl
import numpy as np

from mio.bench._render_motion import Motion, hands_up, record
from mio.bench.report import Report, percentile
from nodes.renderer.cache import obtain_avatar
from nodes.renderer.config import BackgroundConfig, CameraConfig, Framing, Look, RendererConfig
from nodes.renderer.context import describe, is_software, open_context
from nodes.renderer.motion import actions_at, pose_at
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
    fill: float
    read: float

    @property
    def total(self) -> float:
        return sum(self)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    parser.add_argument("--pictures", type=Path, help="only draw the documentation's stills into this folder")
    parser.add_argument("--frames", type=int, default=120, help="pictures per tier, framing and size")
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
    motion = record()
    tiers = [LOW, MEDIUM, HIGH] if args.high or not is_software(context) else [LOW, MEDIUM]
    for tier in tiers:
        asset = obtain_avatar(context, Look(), config.cache_dir, fine=tier.fine, texture_size=config.texture_size)
        for size in _SIZES:
            studio = Studio(context, asset, (size, size), tier, BackgroundConfig())
            for framing in _FRAMINGS:
                studio.look_through(framing, CameraConfig())
                _add(report, tier, size, framing, *_costs(context, studio, motion, args.frames))


def _obtaining_s(context: moderngl.Context, folder: Path, *, fine: bool) -> float:
    began = time.perf_counter()
    obtain_avatar(context, Look(), folder, fine=fine, texture_size=RendererConfig().texture_size)
    return time.perf_counter() - began


def _add(report: Report, tier: Tier, size: int, framing: str, costs: list[_Cost], hands_up: list[bool]) -> None:
    totals = [cost.total for cost in costs]
    hands = percentile([total for total, is_up in zip(totals, hands_up, strict=True) if is_up], 0.5)
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
        hands_ms=round(hands, 1),
    )
    live = tier is MEDIUM and size == _SIZES[0] and framing != "full"
    report.figure(f"{tier.name}_{size}_{framing}_p50_ms", median, target=_TARGET_MS if live else None)
    report.figure(f"{tier.name}_{size}_{framing}_p95_ms", slow)
    report.figure(f"{tier.name}_{size}_{framing}_hands_p50_ms", hands)


def _costs(context: moderngl.Context, studio: Studio, motion: Motion, count: int) -> tuple[list[_Cost], list[bool]]:
    """What pictures spread over the motion cost, and in which of them both hands are up."""
    moments = motion.moments()
    moments = moments[:: max(len(moments) // count, 1)]
    for face, body in moments[:_WARM_UP]:
        _cost(context, studio, face, body)
    costs = [_cost(context, studio, face, body) for face, body in moments]
    return costs, [hands_up(body) for _, body in moments]


def _cost(context: moderngl.Context, studio: Studio, face: Moment, body: Moment) -> _Cost:
    marks = [_spent()]
    pose = pose_at(face, body, np.zeros(3))
    drawable = studio.drawable(pose, actions_at(face, pose))
    marks.append(_spent())
    studio.draw(drawable)
    context.finish()
    marks.append(_spent())
    studio.develop()
    marks.append(_spent())
    whole_s, own_s = np.diff(marks, axis=0).T
    pose_s, draw_s, read_s = own_s
    return _Cost(*(1000 * float(part_s) for part_s in (pose_s, draw_s, (whole_s - own_s).sum(), read_s)))


def _spent() -> tuple[float, float]:
    """CPU seconds of the process and of this thread."""
    return time.process_time(), time.thread_time()
