"""The tokenizer: speech and what a teacher hears in it, to two semantic and six acoustic codes per 80 ms, and back.

Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674), the figure of Kodama-Tokenizer:
features are split into bands; half of the semantic bands are quantised as such, the rest and what that quantiser left
over join the acoustic side; the acoustic codes may be missing, so that the semantic ones carry the words.
"""

from typing import NamedTuple

import msgspec
import torch
from torch import Tensor, nn

from mio.nn.causal import CausalConv, CausalUpsampling, Past
from mio.nn.rvq import ResidualQuantiser
from nodes.talker.models.codec.encoder import AcousticEncoder
from nodes.talker.models.codec.sizes import ENTRIES, SEMANTIC_BOOKS, CodecSize
from nodes.talker.models.codec.spectra import SpectralEncoder
from nodes.talker.models.codec.vocos import ConvNeXtBlock, VocosDecoder

TEACHER_RATE = 4
"""Features of the teacher per frame: 50 per second."""


class Coded(NamedTuple):
    """Speech as codes.

    Attributes:
        frames: ``[B, width, n]`` what the decoders get.
        codes: ``[B, 8, n]`` int64: two semantic, six acoustic; eight acoustic without a semantic branch.
        commitment: Of all quantisers.
    """

    frames: Tensor
    codes: Tensor
    commitment: Tensor


class SemanticDecoder(nn.Module):
    """Frames to the teacher's features."""

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(size.width, size.semantic_layers, f"meaning.{number}")
            for number in range(size.semantic_layers)
        )
        self.upsampling = CausalUpsampling(size.width, size.teacher_width, TEACHER_RATE, "meaning.up")

    def forward(self, frames: Tensor, past: Past) -> Tensor:
        """``[B, width, n]`` to ``[B, teacher_width, 4 n]``."""
        for block in self.blocks:
            frames = block(frames, past)
        return self.upsampling(frames, past)


class Tokenizer(nn.Module):
    """Encoder, quantisers and decoders."""

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        width = size.width
        self.size = size
        self.acoustic = AcousticEncoder(size) if size.encoder == "samples" else SpectralEncoder(size)
        if size.semantic:
            of_meaning = width if size.bands == 1 else width // 2
            self.semantic = CausalConv(size.teacher_width, width, TEACHER_RATE, "semantic", stride=TEACHER_RATE)
            self.to_meaning = nn.Conv1d(of_meaning, width, 1)
            self.to_sound = None if size.bands == 1 else nn.Conv1d(width - of_meaning, width, 1)
            self.left_over = nn.Conv1d(width, width, 1)
            self.meaning_books = ResidualQuantiser(SEMANTIC_BOOKS, ENTRIES, width)
        self.sound_books = ResidualQuantiser(size.acoustic_books, ENTRIES, width)
        self.voice = VocosDecoder(size)
        if size.semantic:
            self.meaning = SemanticDecoder(size)

    @property
    def begun(self) -> bool:
        """Whether all codebooks come from data."""
        return self.sound_books.begun and (not self.size.semantic or self.meaning_books.begun)

    def encode(self, wave: Tensor, heard: Tensor | None, past: Past, kept: Tensor | None = None) -> Coded:
        """Speech to codes.

        Args:
            wave: ``[B, 1, 1920 n]`` samples at 24 kHz.
            heard: ``[B, teacher_width, 4 n]`` the teacher's features of the same speech; None without a semantic
                branch.
            past: What was encoded before, changed by this.
            kept: ``[B]`` acoustic codebooks that count in each row; None for all. Codes of the others are given, too.
        """
        if heard is None:
            return Coded(*self.sound_books(self.acoustic(wave, past), kept))
        wanted, bands = self._bands(heard, past)
        meaning = self.meaning_books(wanted)
        sound = self.sound_books(self._sound_in(wave, wanted - meaning.vectors.detach(), bands, past), kept)
        heard_frames = sound.vectors if kept is None else sound.vectors * (kept > 0).to(wave.dtype)[:, None, None]
        codes = torch.cat((meaning.codes, sound.codes), 1)
        return Coded(meaning.vectors + heard_frames, codes, meaning.commitment + sound.commitment)

    @torch.no_grad()
    def begin_books(self, wave: Tensor, heard: Tensor | None) -> None:
        """Begin all codebooks with many stretches of speech; arguments as in :meth:`encode`."""
        past: Past = {}
        if heard is None:
            self.sound_books.begin(self.acoustic(wave, past))
            return
        wanted, bands = self._bands(heard, past)
        self.meaning_books.begin(wanted)
        meaning = self.meaning_books.eval()(wanted)
        self.meaning_books.train(self.training)
        self.sound_books.begin(self._sound_in(wave, wanted - meaning.vectors, bands, past))

    def _bands(self, heard: Tensor, past: Past) -> tuple[Tensor, Tensor | None]:
        """``[B, width, n]`` what the semantic codebooks are to say, and what joins the acoustic side."""
        bands = self.semantic(heard, past)
        if self.to_sound is None:
            return self.to_meaning(bands), None
        sound_bands, meaning_bands = bands.chunk(2, 1)
        return self.to_meaning(meaning_bands), self.to_sound(sound_bands)

    def _sound_in(self, wave: Tensor, left_over: Tensor, bands: Tensor | None, past: Past) -> Tensor:
        """``[B, width, n]`` what the acoustic codebooks are to say."""
        sound = self.acoustic(wave, past) + self.left_over(left_over)
        return sound if bands is None else sound + bands

    def with_noise(self) -> "Tokenizer":
        """The same one with a decoder that shapes noise; begins as loud as this one is."""
        size = msgspec.structs.replace(self.size, noise=True)
        other = Tokenizer(size)
        other.load_state_dict(self.state_dict(), strict=False)
        other.voice.begin_noise()
        return other

    def frames(self, codes: Tensor) -> Tensor:
        """``[B, width, n]`` of ``[B, 2..8, n]`` codes; missing acoustic ones count as nothing."""
        if not self.size.semantic:
            return self.sound_books.decode(codes)
        frames = self.meaning_books.decode(codes[:, :SEMANTIC_BOOKS])
        if codes.shape[1] > SEMANTIC_BOOKS:
            frames = frames + self.sound_books.decode(codes[:, SEMANTIC_BOOKS:])
        return frames

    def decode(self, codes: Tensor, past: Past) -> Tensor:
        """``[B, 1, 1920 n]`` samples, a frame late, of ``[B, 2..8, n]`` codes; see :meth:`frames`."""
        return self.voice(self.frames(codes), past).sound
