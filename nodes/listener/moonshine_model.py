"""Moonshine's encoder and decoder networks, from the files that the package moonshine-voice carries.

Knows tensors and tokens, no text. The package's own wrapper brings its voice detector and threads, so the two networks
are run directly, with one thread.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nodes.listener.session import open_session

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_LAYERS = 6
_HEADS = 8
_HEAD_DIM = 36
_FRAME_SAMPLES = 384  # the encoder's strides 64, 3 and 2; the decoder thins the mask by the same factor
_SHORTEST_SAMPLES = 8_000

_DECODER_KEYS = [f"{layer}.decoder.{part}" for layer in range(_LAYERS) for part in ("key", "value")]
_ENCODER_KEYS = [f"{layer}.encoder.{part}" for layer in range(_LAYERS) for part in ("key", "value")]
_FIRST_OUTPUTS = ["logits", *(f"present.{key}" for key in _DECODER_KEYS + _ENCODER_KEYS)]
_NEXT_OUTPUTS = ["logits", *(f"present.{key}" for key in _DECODER_KEYS)]
_EMPTY = np.zeros((1, _HEADS, 0, _HEAD_DIM), np.float32)


@dataclass
class Cache:
    """Attention memory of ``B`` hypotheses for one sound.

    Attributes:
        hidden: ``[B, frames, 288]`` what the encoder heard.
        mask: ``[B, frames * 384]`` ones.
        encoder: Keys and values of the sound, ``[B, 8, frames, 36]`` each.
        decoder: Keys and values of the tokens so far, ``[B, 8, tokens, 36]`` each.
    """

    hidden: FloatArray
    mask: IntArray
    encoder: list[FloatArray]
    decoder: list[FloatArray]

    def select(self, rows: list[int]) -> None:
        """Keep these hypotheses in this order; the sound is the same for all of them."""
        if len(rows) != len(self.hidden):
            self.hidden = np.repeat(self.hidden[:1], len(rows), axis=0)
            self.mask = np.repeat(self.mask[:1], len(rows), axis=0)
            self.encoder = [np.repeat(array[:1], len(rows), axis=0) for array in self.encoder]
        self.decoder = [array[rows] for array in self.decoder]

    def shorten(self, tokens: int) -> None:
        """Forget all but the first tokens."""
        self.decoder = [array[:, :, :tokens] for array in self.decoder]


class MoonshineModel:
    """The two networks of the tiny English model."""

    def __init__(self, folder: Path) -> None:
        self._encoder = open_session(folder / "encoder_model.ort")
        self._decoder = open_session(folder / "decoder_model_merged.ort")

    def encode(self, sound: FloatArray) -> FloatArray:
        """``[1, frames, 288]`` of ``[n]`` samples at 16 kHz."""
        if len(sound) < _SHORTEST_SAMPLES:
            sound = np.pad(sound, (0, _SHORTEST_SAMPLES - len(sound)))
        feed = {"input_values": sound[None], "attention_mask": np.ones((1, len(sound)), np.int64)}
        return np.asarray(self._encoder.run(None, feed)[0])

    def begin(self, hidden: FloatArray, tokens: list[int]) -> tuple[FloatArray, Cache]:
        """Read a first run of tokens in one go.

        Args:
            hidden: ``[1, frames, 288]`` from :meth:`encode`.
            tokens: The start token and what is assumed to follow it.

        Returns:
            ``[len(tokens), vocabulary]`` logits of what follows each token, and the memory.
        """
        mask = np.ones((1, hidden.shape[1] * _FRAME_SAMPLES), np.int64)
        empty = Cache(hidden, mask, [_EMPTY] * len(_ENCODER_KEYS), [_EMPTY] * len(_DECODER_KEYS))
        logits, *present = self._run(np.array([tokens], np.int64), empty, _FIRST_OUTPUTS, cached=False)
        split = len(_DECODER_KEYS)
        return logits[0], Cache(hidden, mask, present[split:], present[:split])

    def extend(self, cache: Cache, tokens: list[int]) -> FloatArray:
        """Append one token to each hypothesis.

        Args:
            cache: Memory of ``B`` hypotheses, updated in place.
            tokens: ``B`` tokens.

        Returns:
            ``[B, vocabulary]`` logits of what follows.
        """
        logits, *present = self._run(np.array(tokens, np.int64)[:, None], cache, _NEXT_OUTPUTS, cached=True)
        cache.decoder = present
        return logits[:, -1]

    def _run(self, tokens: IntArray, cache: Cache, outputs: list[str], *, cached: bool) -> list[FloatArray]:
        feed = {
            "input_ids": tokens,
            "encoder_hidden_states": cache.hidden,
            "encoder_attention_mask": cache.mask,
            "use_cache_branch": np.array([cached]),
        }
        feed |= {f"past_key_values.{key}": array for key, array in zip(_DECODER_KEYS, cache.decoder, strict=True)}
        feed |= {f"past_key_values.{key}": array for key, array in zip(_ENCODER_KEYS, cache.encoder, strict=True)}
        return [np.asarray(array) for array in self._decoder.run(outputs, feed)]
