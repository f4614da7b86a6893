"""The language model of the voice: phones, a manner of speaking and the codes so far, to the next frame's codes.

Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674): a decoder over 12.5 frames per second
whose codes come from a depth transformer. Here the alignment is explicit (see :mod:`~nodes.talker.models.lm.pointer`):
each frame first says how many phones begin in it, then its codes.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.rotary import turn_at
from nodes.talker.models.lm.attention import Block, Memory, window_mask
from nodes.talker.models.lm.depth import CodeBooks, DepthTransformer
from nodes.talker.models.lm.pointer import Pointer, slots, sounding
from nodes.talker.models.lm.sizes import MOST_ADVANCE, OLDEST, SLOTS, LmSize
from nodes.talker.models.lm.text import PhoneEncoder, Phones

MANNER = ("pitch_st", "pitch_range_octaves", "rate_octaves")
"""How something is said, each against the speaker's own average: pitch in semitones, its range and the phones per
second in powers of two."""

_SOUNDING = 3
_MANNER_SCALES = (1.5, 0.4, 0.2)  # about a standard deviation of sentences that are read


class Voice(NamedTuple):
    """Who speaks, and how; a row per voice.

    Attributes:
        speaker: ``[B]`` int64.
        language: ``[B]`` int64.
        manner: ``[B, 3]``; see :data:`MANNER`.
        known: ``[B]`` 1 where the manner is said, 0 where any will do.
    """

    speaker: Tensor
    language: Tensor
    manner: Tensor
    known: Tensor


class LmState(NamedTuple):
    """What the model remembers of the frames so far.

    Attributes:
        memories: Keys and values of each block.
        frames: How many there were.
    """

    memories: list[Memory]
    frames: int


class VoiceLm(nn.Module):
    """The network.

    Attributes:
        size: Its sizes.
        books: The codec's entries, given to it.
    """

    def __init__(self, size: LmSize, entries: Tensor) -> None:
        """Get ready.

        Args:
            size: Of the network.
            entries: ``[books, entries, entry_width]`` of the codec.
        """
        super().__init__()
        width = size.width
        self.size = size
        self.books = CodeBooks(entries)
        self.text = PhoneEncoder(size)
        self.speaker = nn.Embedding(len(size.speakers), width)
        self.manner = nn.Linear(len(MANNER) + 1, width)
        self.before = nn.Linear(size.books * size.entry_width, width)
        self.begin = nn.Parameter(torch.zeros(width))
        self.age = nn.Embedding(OLDEST + 1, width)
        self.ahead = nn.Linear(SLOTS * size.text_width, width)
        self.blocks = nn.ModuleList(Block(width, size.heads, size.dropout) for _ in range(size.layers))
        self.norm = nn.LayerNorm(width)
        self.advance = nn.Linear(width, MOST_ADVANCE + 1)
        self.advanced = nn.Embedding(MOST_ADVANCE + 1, size.depth_width)
        self.join = nn.Sequential(
            nn.Linear(width + _SOUNDING * size.text_width, 2 * size.depth_width),
            nn.GELU(),
            nn.Linear(2 * size.depth_width, size.depth_width),
        )
        self.depth = DepthTransformer(size)

    def condition(self, voice: Voice) -> Tensor:
        """``[B, 1, width]`` of a voice."""
        manner = voice.manner / voice.manner.new_tensor(_MANNER_SCALES) * voice.known[:, None]
        return (self.speaker(voice.speaker) + self.manner(torch.cat((manner, voice.known[:, None]), 1)))[:, None]

    def enter(self, codes: Tensor, heard: Tensor) -> Tensor:
        """``[B, T, width]`` of the frames before.

        Args:
            codes: ``[B, T, books]``.
            heard: ``[B, T]`` 1 where there was a frame before that counts, 0 at the beginning.
        """
        entered = self.before(self.books.look_up(codes).flatten(-2))
        return torch.where(heard[..., None] > 0, entered, self.begin)

    def forward(self, entered: Tensor, seen: Tensor, age: Tensor, state: LmState) -> tuple[Tensor, LmState]:
        """Go on by some frames.

        Args:
            entered: ``[B, T, width]`` of :meth:`enter`, the voice's condition added.
            seen: ``[B, T, 5, text_width]`` phones that each frame begins with; see :func:`slots`.
            age: ``[B, T]`` frames since the first of them began.
            state: Of the frames before.

        Returns:
            ``[B, T, width]``, and the state with these frames.
        """
        x = entered + self.ahead(seen.flatten(-2)) + self.age(age)
        count, window = x.shape[1], self.size.window
        places = torch.arange(state.frames, state.frames + count, device=x.device)
        turn = turn_at(places, self.size.width // self.size.heads)
        before = state.memories[0].keys.shape[2] if state.memories else 0
        mask = window_mask(before, count, window, x.device)
        memories: list[Memory] = []
        for number, block in enumerate(self.blocks):
            x, memory = block(x, turn, mask, state.memories[number] if state.memories else None)
            memories.append(Memory(*(part[:, :, -(window - 1) :] for part in memory)))
        return self.norm(x), LmState(memories, state.frames + count)

    def frame(self, hidden: Tensor, seen: Tensor, advance: Tensor) -> Tensor:
        """``[..., depth_width]`` what frames are to be, as soon as it is known how many phones begin in them."""
        context = torch.cat((hidden, sounding(seen, advance).flatten(-2)), -1)
        return self.join(context) + self.advanced(advance)

    def follow(
        self, codes: Tensor, heard: Tensor, phones: Phones, pointer: Pointer, voice: Voice
    ) -> tuple[Tensor, Tensor]:
        """Whole recordings, each frame told what was before it.

        Args:
            codes: ``[B, T, books]``.
            heard: ``[B, T]`` 1 where the next frame is told of a frame's codes.
            phones: What is said.
            pointer: ``[B, T + 1]``, the last frame only for leaving the last phone.
            voice: Who says it.

        Returns:
            ``[B, T + 1, width]`` what is known of each frame, and ``[B, T + 1, 5, text_width]`` its phones.
        """
        seen = slots(self.text(phones, voice.language), pointer.place)
        entered = self.enter(F.pad(codes, (0, 0, 1, 0)), F.pad(heard, (1, 0)))
        hidden, _ = self(entered + self.condition(voice), seen, pointer.age, LmState([], 0))
        return hidden, seen
