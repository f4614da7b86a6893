"""Moonshine's encoder and decoder networks, run directly with one thread.

Knows tensors and tokens, no text. The package's own wrapper brings its voice detector and threads.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nodes.listener.beam import Choices
from nodes.listener.moonshine_graph import LAYERS, WIDTH, decoder_network, encoder_network
from nodes.listener.moonshine_weights import Weights
from nodes.listener.session import open_session

FloatArray = npt.NDArray[np.float32]

Entries = tuple[int, ...]

_SHORTEST_SAMPLES = 8_000
_UNSEEN = -1e9


@dataclass
class Memory:
    """What was heard, and the tokens that were read so far.

    Attributes:
        heard: Keys and values of the sound, as the decoder's inputs.
        past: ``[P, 12, 288]`` keys and values of the tokens.
    """

    heard: dict[str, FloatArray]
    past: FloatArray


class MoonshineModel:
    """The two networks of the tiny English model."""

    def __init__(self, folder: Path) -> None:
        encoder, decoder = Weights(folder / "encoder_model.ort"), Weights(folder / "decoder_model_merged.ort")
        self._encoder = open_session(encoder_network(encoder, decoder))
        self._decoder = open_session(decoder_network(decoder))

    def encode(self, sound: FloatArray) -> Memory:
        """Hear ``[n]`` samples at 16 kHz."""
        if len(sound) < _SHORTEST_SAMPLES:
            sound = np.pad(sound, (0, _SHORTEST_SAMPLES - len(sound)))
        heard = self._encoder.run(None, {"sound": sound[None, None]})
        named = {f"heard.{number}": np.asarray(array) for number, array in enumerate(heard)}
        return Memory(named, np.zeros((0, 2 * LAYERS, WIDTH), np.float32))

    def read(self, memory: Memory, tokens: list[int], paths: list[Entries]) -> Choices:
        """Read some tokens in one go, in a tree: each follows others that were read before, or stand before it here.

        Args:
            memory: Gets an entry for each token.
            tokens: ``T`` tokens.
            paths: Entries of the memory that lie between the start and each token, oldest first. Tokens of this
                call have the entries from ``len(memory.past)`` on.

        Returns:
            What follows each token.
        """
        known, count = len(memory.past), len(tokens)
        mask = np.full((count, known + count), _UNSEEN, np.float32)
        for row, path in enumerate(paths):
            mask[row, [*path, known + row]] = 0.0
        feed = {
            "tokens": np.array(tokens, np.int64)[:, None],
            "positions": np.array([len(path) for path in paths], np.int64)[:, None],
            "mask": mask,
            "past": memory.past,
        }
        outputs = ["choices", "log_probabilities", "present"]
        choices, log_probabilities, present = self._decoder.run(outputs, feed | memory.heard)
        memory.past = np.concatenate((memory.past, np.asarray(present)))
        return Choices(np.asarray(choices)[:, 0], np.asarray(log_probabilities)[:, 0])
