"""The codec as it is used: the tokenizer with its semantic teacher, frame by frame.

Streams compute one frame of 80 ms at a time whatever comes at once, so that the same sound gives the same codes, and
the same codes the same sound, bit by bit, however it is cut.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mio.errors import ConfigError
from mio.nn.causal import Past
from mio.nn.weights import WEIGHTS, fill, read_weights, write_weights
from nodes.talker.models.codec.pretrained import PretrainedTeacher, read_teacher
from nodes.talker.models.codec.recogniser import PhoneRecogniser
from nodes.talker.models.codec.sizes import ACOUSTIC_BOOKS, FRAME_SAMPLES, SEMANTIC_BOOKS, CodecSize
from nodes.talker.models.codec.tokenizer import Tokenizer

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int16]

BOOKS = SEMANTIC_BOOKS + ACOUSTIC_BOOKS

_DECODER = ("tokenizer.voice.", "tokenizer.meaning_books.", "tokenizer.sound_books.")
_LEARNING = ("tokenizer.meaning.", ".counts", "._sums", "._begun")
"""Parts of names that only trainings need."""


class VoiceCodec(nn.Module):
    """Speech to codes and back.

    Attributes:
        size: Of the networks.
        teacher: The phone recogniser, or the pretrained teacher once it is brought; None without a semantic branch.
        tokenizer: The rest.
    """

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        self.size = size
        self.teacher: PhoneRecogniser | PretrainedTeacher | None = None
        if size.semantic and size.teacher == "phones":
            self.teacher = PhoneRecogniser(size)
        self.tokenizer = Tokenizer(size)

    def encode(self, wave: Tensor, past: Past) -> Tensor:
        """``[B, 8, n]`` codes of ``[B, 1, 1920 n]`` samples.

        Raises:
            ConfigError: If it has a pretrained teacher that was not brought.
        """
        if self.hears_whole and self.teacher is None:
            read_teacher(None, self.size)
        heard = None if self.teacher is None else self.teacher(wave, past)
        return self.tokenizer.encode(wave, heard, past).codes

    @property
    def hears_whole(self) -> bool:
        """Whether sound can be coded as a whole only."""
        return self.size.semantic and self.size.teacher == "w2v-bert"

    def recogniser(self) -> PhoneRecogniser:
        """The teacher.

        Raises:
            ConfigError: If it is another one, or there is none.
        """
        if isinstance(self.teacher, PhoneRecogniser):
            return self.teacher
        raise ConfigError("this codec has no phone recogniser", "take one with size.semantic true, size.teacher phones")

    def decode(self, codes: Tensor, past: Past) -> Tensor:
        """``[B, 1, 1920 n]`` samples of ``[B, 2..8, n]`` codes, a frame late: what is before them comes first."""
        return self.tokenizer.decode(codes, past)

    def end(self, past: Past) -> Tensor:
        """``[1, 1, 1920]`` samples of the last codes of one voice, behind which there are none."""
        return self.tokenizer.voice(torch.zeros(1, self.size.width, 1), past).sound


class EncodingStream:
    """Speech that comes in pieces of any length, to codes; to none before its end, if the codec hears it as a whole."""

    def __init__(self, codec: VoiceCodec) -> None:
        self._codec = codec
        self._past: Past = {}
        self._waiting = np.zeros(0, np.float32)

    @torch.inference_mode()
    def encode(self, samples: Floats) -> Codes:
        """``[n, 8]`` codes of all frames that are whole after ``[m]`` samples at 24 kHz."""
        samples = np.concatenate((self._waiting, samples))
        whole = 0 if self._codec.hears_whole else len(samples) // FRAME_SAMPLES
        self._waiting = samples[whole * FRAME_SAMPLES :]
        frames = [self._coded(frame) for frame in samples[: whole * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)]
        return np.concatenate(frames) if frames else np.zeros((0, BOOKS), np.int16)

    @torch.inference_mode()
    def finish(self) -> Codes:
        """``[n, 8]``: what is left, filled up with silence; at most a frame, unless it is heard as a whole."""
        rest = np.pad(self._waiting, (0, -len(self._waiting) % FRAME_SAMPLES))
        self._waiting = rest[:0]
        return self._coded(rest) if len(rest) else np.zeros((0, BOOKS), np.int16)

    def _coded(self, samples: Floats) -> Codes:
        codes = self._codec.encode(torch.from_numpy(samples)[None, None], self._past)
        return codes[0].T.numpy().astype(np.int16)


def encoded(codec: VoiceCodec, samples: Floats) -> Codes:
    """``[n, 8]`` codes of all of a recording, ``[m]`` samples at 24 kHz, filled up with silence."""
    stream = EncodingStream(codec)
    return np.concatenate((stream.encode(samples), stream.finish()))


class DecodingStream:
    """Codes that come in pieces of any length, to speech, which comes a frame later."""

    def __init__(self, codec: VoiceCodec) -> None:
        self._codec = codec
        self._past: Past = {}

    @torch.inference_mode()
    def decode(self, codes: Codes) -> Floats:
        """Samples at 24 kHz of all frames but the last one that has come.

        Args:
            codes: ``[n, 2..8]``; missing ones are acoustic.

        Returns:
            ``[1920 n]``, the first time a frame less.
        """
        frames = torch.from_numpy(codes.astype(np.int64)).T[None]
        skipped = 0 if self._past else FRAME_SAMPLES
        pieces = [self._codec.decode(frames[:, :, k : k + 1], self._past)[0, 0] for k in range(len(codes))]
        return (torch.cat(pieces) if pieces else torch.zeros(0)).numpy()[skipped:]

    @torch.inference_mode()
    def finish(self) -> Floats:
        """``[1920]`` samples of the last frame; none if there was no frame."""
        return self._codec.end(self._past)[0, 0].numpy() if self._past else np.zeros(0, np.float32)


def decoded(codec: VoiceCodec, codes: Codes) -> Floats:
    """``[1920 n]`` samples at 24 kHz of all of a recording, ``[n, 2..8]`` codes."""
    stream = DecodingStream(codec)
    return np.concatenate((stream.decode(codes), stream.finish()))


def codebooks(codec: VoiceCodec) -> Tensor:
    """``[8, 1024, width]`` entries of all codebooks, semantic ones first."""
    state = codec.tokenizer.state_dict()
    books = (("meaning", BOOKS - codec.size.acoustic_books), ("sound", codec.size.acoustic_books))
    return torch.stack(
        [state[f"{kind}_books.books.{k}.entries"] for kind, count in books for k in range(count)]
    ).clone()


def write_codec(folder: Path, codec: VoiceCodec) -> None:
    """Write a codec, fp16, in three folders: ``decoder`` with the codebooks, ``encoder``, and ``learning``.

    The last one holds what nobody needs but a training that goes on from it.
    """
    own = {name: w for name, w in codec.state_dict().items() if not (codec.hears_whole and name.startswith("teacher."))}
    for part, weights in _parts(own).items():
        write_weights(folder / part, weights, codec.size, half=True)


def read_codec(folder: Path, teacher: Path | None = None) -> VoiceCodec:
    """Read what :func:`write_codec` wrote.

    Args:
        folder: The codec's.
        teacher: Folder of the pretrained teacher, for sound to be coded by a codec that hears with one.

    Raises:
        ConfigError: If a file is missing, broken, or of other networks.
    """
    encoder, size = read_weights(folder / "encoder", CodecSize)
    decoder, decoder_size = read_weights(folder / "decoder", CodecSize)
    remedy = "take both folders from one export"
    if size != decoder_size:
        raise ConfigError(f"{folder}: encoder and decoder are of different sizes", remedy)
    codec = VoiceCodec(size)
    found, own = encoder | decoder, _parts(codec.state_dict())
    if wrong := sorted((own["encoder"].keys() | own["decoder"].keys()) ^ found.keys()):
        raise ConfigError(f"{folder}: weights {wrong[0]} are missing or unknown", remedy)
    fill(codec, own["learning"] | found, folder)
    if codec.hears_whole and teacher is not None:
        codec.teacher = read_teacher(teacher, size)
    return codec


def read_learning_codec(folder: Path, teacher: Path | None = None) -> VoiceCodec:
    """Read all of what :func:`write_codec` wrote, for a training to go on from; arguments as for :func:`read_codec`.

    Raises:
        ConfigError: If a file is missing, broken, or of other networks.
    """
    codec = read_codec(folder)
    learning, size = read_weights(folder / "learning", CodecSize)
    fill(codec, codec.state_dict() | learning, folder)
    codec.train().requires_grad_(True)
    if codec.hears_whole:
        codec.teacher = read_teacher(teacher, size)
    return codec


def _parts(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Weights by the folder that they are kept in."""
    parts: dict[str, dict[str, Tensor]] = {"decoder": {}, "encoder": {}, "learning": {}}
    for name, weight in state.items():
        learning = any(part in name for part in _LEARNING)
        parts["learning" if learning else "decoder" if name.startswith(_DECODER) else "encoder"][name] = weight
    return parts


def fingerprint(folder: Path) -> bytes:
    """Eight bytes that tell codecs apart whose codes mean different things.

    Raises:
        ConfigError: If there is no codec.
    """
    path = folder / "decoder" / WEIGHTS
    try:
        return hashlib.sha256(path.read_bytes()).digest()[:8]
    except OSError as error:
        raise ConfigError(f"{path}: {error}", "name the folder of a codec with --weights") from error
