"""How a candidate's outputs differ from the node's: numbers by stage time, sound by sample, text by clause."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mio.bench.report import percentile
from mio.contracts.messages import BodyMotion, FaceMotion, Message, MotionPrompt, Reply, Speech, Transcript, VideoFrame
from mio.shadow.stream import Sent

_WAITING = 600  # pieces of one port that wait for the other side's: half a minute of motion
_WAITING_PICTURES = 90
_PEAK = 255.0
_BEST_DB = 99.0  # of pictures that are equal


class Piece(NamedTuple):
    """Something of an output that has a counterpart: its place, and its content."""

    place: Hashable
    content: Any


class PortComparison:
    """One output port of both.

    Attributes:
        kind: What it carries.
        counts: Messages of the node and of the candidate.
        computed_ms: How long their steps computed until an output came.
        distances: Of each pair of pieces: RMS difference; PSNR in dB for pictures; 0 or 1 for text.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.counts = [0, 0]
        self.computed_ms: tuple[list[float], list[float]] = ([], [])
        self.distances: list[float] = []
        self._waiting: tuple[OrderedDict[Hashable, Any], OrderedDict[Hashable, Any]] = (OrderedDict(), OrderedDict())

    def add(self, side: int, sent: Sent) -> None:
        """Take an output of the node (side 0) or of the candidate (1)."""
        self.counts[side] += 1
        self.computed_ms[side].append(sent.computed_ns / 1e6)
        room = _WAITING_PICTURES if isinstance(sent.message, VideoFrame) else _WAITING
        ours, theirs = self._waiting[side], self._waiting[1 - side]
        for place, content in pieces(sent.message):
            if place in theirs:
                self.distances.append(distance(sent.message, content, theirs.pop(place)))
                continue
            ours[place] = content
            while len(ours) > room:
                ours.popitem(last=False)

    def row(self, port: str) -> dict[str, Any]:
        """A line of the report."""
        node, candidate = self.counts
        cells: dict[str, Any] = {"output": port, "node": node, "candidate": candidate}
        for name, values in zip(("node", "candidate"), self.computed_ms, strict=True):
            pair = f"{percentile(values, 0.5):.2f} / {percentile(values, 0.95):.2f}" if values else "-"
            cells[f"{name}_ms"] = pair
        return {**cells, "compared": len(self.distances), "difference": self._difference()}

    def _difference(self) -> str:
        if not self.distances:
            return "nothing to compare"
        mean, worst = float(np.mean(self.distances)), max(self.distances)
        match self.kind:
            case "video_frame":
                return f"PSNR {mean:.1f} dB, lowest {min(self.distances):.1f} dB"
            case "reply" | "motion_prompt" | "transcript":
                return f"{100 * (1 - mean):.0f} % the same words"
            case _:
                return f"RMS {mean:.4g}, largest {worst:.4g}"


def pieces(message: Message) -> Iterator[Piece]:
    """What of a message can be compared, each with the place at which its counterpart is found."""
    match message:
        case FaceMotion() | BodyMotion():
            first = round(message.start_stage_s * message.fps)
            for index, frame in enumerate(message.frames):
                yield Piece(first + index, frame)
        case Speech():
            for start in range(0, len(message.samples), 1_920):
                place = (message.segment_id, message.start_sample + start)
                yield Piece(place, message.samples[start : start + 1_920])
        case VideoFrame():
            yield Piece(round(message.stage_s * 30), message.image)
        case Reply():
            yield Piece((message.segment_id, message.index), message.text)
        case MotionPrompt():
            yield Piece((message.segment_id, message.index), message.text)
        case Transcript() if message.final:
            yield Piece(message.segment_id, message.text)
        case _:
            pass


def distance(message: Message, ours: Any, theirs: Any) -> float:
    """RMS difference of numbers, PSNR in dB of pictures, 0 for the same text and 1 for another."""
    if isinstance(ours, str):
        return float(ours != theirs)
    if isinstance(message, VideoFrame):
        return psnr_db(ours, theirs)
    return float(np.sqrt(np.mean((np.asarray(ours, np.float64) - theirs) ** 2)))


def psnr_db(ours: npt.NDArray[np.uint8], theirs: npt.NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures; 0 if their sizes differ."""
    if ours.shape != theirs.shape:
        return 0.0
    error = float(np.mean((ours.astype(np.float32) - theirs) ** 2))
    return min(_BEST_DB, 10 * np.log10(_PEAK**2 / error)) if error else _BEST_DB


class Comparison:
    """All outputs of a node and of a candidate."""

    def __init__(self) -> None:
        self._ports: dict[str, PortComparison] = {}

    def of_node(self, sent: Sent) -> None:
        """Take an output of the node."""
        self._port(sent).add(0, sent)

    def of_candidate(self, sent: Sent) -> None:
        """Take an output of the candidate."""
        self._port(sent).add(1, sent)

    def rows(self) -> list[dict[str, Any]]:
        """The report, a line per output."""
        return [comparison.row(port) for port, comparison in sorted(self._ports.items())]

    def _port(self, sent: Sent) -> PortComparison:
        return self._ports.setdefault(sent.port, PortComparison(sent.message.KIND))
