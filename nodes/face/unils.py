"""The learned face (UniLS, arXiv 2512.09327): frames by a network that hears both voices, over the rules as a net.

A chunk of 25 frames is generated every 10 frames, from what has been shown, the avatar's voice that is known ahead and
the user's up to now; frames that had been sent for that time pass over into the new ones. The rules run along: their
frames are shown before the first chunk and where the network has been too slow, and the passage is smooth either way.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

import numpy as np

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, FaceMotion, FloatArray, Message, Speech, Tick
from mio.contracts.rates import FACE_DIM, FACE_EXPRESSION, FACE_FPS
from nodes.face.chain import HOP_FRAMES, PASS_FRAMES, Chain
from nodes.face.chunks import MELS_PER_FRAME, ChunkModel, HeardVoice
from nodes.face.composer import ACCENTS, EYES
from nodes.face.config import FaceConfig
from nodes.face.engine import VisemeEngine
from nodes.face.score import minimum_jerk
from nodes.face.state import NEVER
from nodes.face.voices import OtherVoice, OwnVoice, Span

VERSION: Final = 2

_SOONEST_FRAMES = 3  # between two chunks, where the avatar's voice has changed
_SWITCH_FRAMES = 12  # over which rules pass into the network and back
_REMEMBER_FRAMES = 150
_FAR = 10**9


class Source(Enum):
    """Whose frames are shown.

    ``RULES`` before the first chunk -> ``NETWORK`` as soon as there is one -> ``RULES`` when its frames have run out
    before the next chunk came -> ``NETWORK`` with the next chunk.
    """

    RULES = "rules"
    NETWORK = "network"


class UnilsEngine(Engine):
    """Moves the face by a trained model; the same seed and inputs give the same frames."""

    tick_hz = VisemeEngine.tick_hz

    def __init__(self, config: FaceConfig) -> None:
        self._config = config
        self._rules = VisemeEngine(config)
        model = ChunkModel(config.weights, guidance=config.guidance, temperature=config.temperature, seed=config.seed)
        self._chain = Chain(model)
        self._led = (EYES & (config.eyes == "rules")) | (ACCENTS & (config.accents == "rules"))
        self._own, self._other = OwnVoice(), OtherVoice()
        self._ruled: dict[int, FloatArray] = {}
        self._sent: dict[int, FloatArray] = {}
        self._added: dict[int, FloatArray] = {}  # by accents of the rules
        self._source, self._switched = Source.RULES, -_FAR
        self._chunk = -_FAR
        self._told: list[Span] = []  # of the own voice, from the chunk's beginning to its end
        self._origin_s = 0.0

    def step(self, port: str, message: Message) -> Outputs:
        """See :class:`Engine`."""
        self._keep(self._rules.step(port, message))
        state = self._rules.state
        if state.origin_s != self._origin_s:
            self._restart(self._origin_s - state.origin_s)
        match message:
            case Speech():
                self._own.add(message)
            case AudioChunk():
                self._other.add(message, state.now_s)
            case Tick() if state.now_s > NEVER:
                yield from self._advance()
            case _:
                pass

    def at_boundary(self) -> bool:
        """See :class:`Engine`."""
        return self._rules.at_boundary()

    def export_state(self) -> dict[str, Any]:
        """See :class:`Engine`."""
        return {
            "version": VERSION,
            "engine": "unils",
            "sent": {index: frame.copy() for index, frame in self._sent.items()},
            "rules": self._rules.export_state(),
            "added": {index: frame.copy() for index, frame in self._added.items()},
            "made": {index: frame.copy() for index, frame in self._chain.made.items()},
            "own": self._own.state(),
            "other": self._other.state(),
            "source": self._source.value,
            "switched": self._switched,
            "chunk": self._chunk,
            "told": [list(span) for span in self._told],
            "origin_s": self._origin_s,
            "seed": self._chain.model.chance.seed,
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`Engine`; from the rules everything they know is taken, and their frames, to blend from."""
        self._sent = _frames(state.get("sent", {}))
        if state.get("engine") != "unils" or state.get("version") != VERSION:
            self._rules.import_state(state)
            self._origin_s = self._rules.state.origin_s
            self._ruled = dict(self._sent)
            return
        self._rules.import_state(state["rules"])
        self._ruled, self._chain.made = _frames(state["rules"]["sent"]), _frames(state["made"])
        self._added = _frames(state.get("added", {}))
        self._own.restore(state["own"])
        self._other.restore(state["other"])
        self._source, self._switched = Source(state["source"]), int(state["switched"])
        self._chunk, self._origin_s = int(state["chunk"]), float(state["origin_s"])
        self._told = [Span(*map(int, span)) for span in state.get("told", [])]
        self._chain.model.chance.seed = int(state["seed"])

    def _keep(self, outputs: Iterable[tuple[str, Message] | None]) -> None:
        """Take in frames of the rules."""
        for output in outputs:
            if output is not None and isinstance(output[1], FaceMotion):
                first = round(output[1].start_stage_s * FACE_FPS)
                self._ruled.update(enumerate(output[1].frames, first))

    def _restart(self, by_s: float) -> None:
        """Go on at another stage time, because the clock was started anew."""
        self._origin_s = self._rules.state.origin_s
        by = round(by_s * FACE_FPS)
        for frames in (self._chain.made, self._sent, self._added):
            moved = {index + by: frame for index, frame in frames.items()}
            frames.clear()
            frames.update(moved)
        self._other.shift(by_s)
        self._chunk += by
        self._switched += by
        self._told = []

    def _advance(self) -> Outputs:
        """Make the next chunk if it is time, and send what is new."""
        first = int(np.ceil((self._rules.state.now_s + self._config.reaction_s) * FACE_FPS))
        if first not in self._ruled:
            return
        since = first - self._chunk
        due = since >= HOP_FRAMES or (since >= _SOONEST_FRAMES and self._speaks_otherwise(first))
        if not due:
            return
        if self._source is Source.NETWORK and first not in self._chain.made:
            self._source, self._switched = Source.RULES, first
        self._generate(first)
        if self._source is Source.RULES:
            self._source, self._switched = Source.NETWORK, first
        self._chunk = first
        self._told = self._own.spans(*self._span(first), self._rules.state.utterances)
        frames = self._shown(first)
        self._sent.update(enumerate(frames, first))
        self._forget(first - _REMEMBER_FRAMES)
        segment_id = self._rules.segment_id
        yield "motion", FaceMotion(segment_id=segment_id, frames=frames, start_stage_s=first / FACE_FPS)

    def _span(self, first: int) -> tuple[int, int]:
        """Log-mel frames from a frame to the end of the last chunk."""
        return first * MELS_PER_FRAME, (self._chunk + self._chain.model.frames) * MELS_PER_FRAME

    def _speaks_otherwise(self, first: int) -> bool:
        """Whether the own voice, from a frame to the end of the last chunk, is not what that chunk was made from."""
        begin, end = self._span(first)
        told = [span._replace(begin=max(begin, span.begin)) for span in self._told if span.end > begin]
        spans = self._own.spans(begin, end, self._rules.state.utterances)
        return len(told) != len(spans) or any(span.moved(old) for span, old in zip(spans, told, strict=True))

    def _generate(self, first: int) -> None:
        """The chunk that begins with a frame."""
        state, model = self._rules.state, self._chain.model
        begin, end = ((first + offset) * MELS_PER_FRAME for offset in (-model.before, model.frames))
        own = self._own.between(begin, end, state.utterances)
        other = HeardVoice(*self._other.between(begin, end, state.now_s))
        voices = HeardVoice(own, np.ones(len(own), np.float32)), other
        self._chain.extend(first, self._before(first), voices, state.mood.emotion)

    def _before(self, first: int) -> FloatArray:
        """``[previous, 112]`` frames that were shown before one; the oldest stands for those that nobody knows.

        Of what the rules led, but for lips, the network knows what it made itself.
        """
        frames, known = [], self._sent.get(min(self._sent, default=0), self._ruled[first])
        for index in range(first - self._chain.model.previous, first):
            known = self._sent.get(index, self._ruled.get(index, known))
            frames.append(np.where(self._led, self._chain.made.get(index, known), known))
        return np.stack(frames)

    def _shown(self, first: int) -> FloatArray:
        """``[n, 112]`` frames of the chunk, passing over from the rules' where those were shown."""
        indices = np.arange(first, first + self._chain.model.frames)
        made = np.stack([self._chain.made[int(index)] for index in indices])
        config = self._config
        if config.accents == "rules":
            self._accentuate(made, first)
        self._rules.lead(made, first, eyes=config.eyes == "rules", contacts=config.contacts == "rules")
        share = minimum_jerk((indices - self._switched + 1) / _SWITCH_FRAMES)[:, None].astype(np.float32)
        if share.min() >= 1.0:
            return made
        last = self._ruled[max(index for index in self._ruled if index <= first)]
        ruled = np.stack([self._ruled.get(int(index), last) for index in indices])
        shown = share * made + (1 - share) * ruled
        shown[:, FACE_EXPRESSION] = shown[:, FACE_EXPRESSION].clip(0.0, 1.0)
        return shown.astype(np.float32)

    def _accentuate(self, made: FloatArray, first: int) -> None:
        """Add the rules' accents, in place; those that change before the chunk begins come in without a jump."""
        accented = made.copy()
        self._rules.lead(accented, first, accents=True)
        added = accented - made
        for offset in range(PASS_FRAMES):
            if first + offset in self._added:
                share = (offset + 1) / (PASS_FRAMES + 1)
                added[offset] += (1 - share) * (self._added[first + offset] - added[offset])
        made += added
        made[:, FACE_EXPRESSION] = made[:, FACE_EXPRESSION].clip(0.0, 1.0)
        self._added.update(enumerate(added, first))

    def _forget(self, before: int) -> None:
        self._chain.forget(before)
        for frames in (self._ruled, self._sent, self._added):
            for index in [index for index in frames if index < before]:
                del frames[index]


def _frames(kept: dict[Any, Any]) -> dict[int, FloatArray]:
    found = {int(index): np.asarray(frame, np.float32) for index, frame in kept.items()}
    assert all(frame.shape == (FACE_DIM,) for frame in found.values())
    return found
