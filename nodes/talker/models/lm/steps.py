"""The language model one frame at a time: what :class:`VoiceLm` computes for whole recordings, for a single voice.

Keys and values are kept in rings, those of a frame's codes too, so that nothing is computed twice; what only depends on
a code is looked up in tables. A frame costs a sixth of what the network itself needs for it.
"""

from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.rotary import BASE
from nodes.talker.models.lm.attention import Block, Memory
from nodes.talker.models.lm.lm import VoiceLm
from nodes.talker.models.lm.pointer import sounding
from nodes.talker.models.lm.sizes import OLDEST, SLOTS


class Ring(NamedTuple):
    """Keys and values ``[heads, room, channels]`` of the last places; place ``n`` is at ``n`` modulo the room."""

    keys: Tensor
    values: Tensor


class Chooser(Protocol):
    """Chooses codes."""

    def __call__(self, book: int, logits: Tensor) -> int:
        """A code of ``[entries]`` logits."""
        ...


class Affine:
    """A linear layer for one vector, its weights in the order in which they are read."""

    def __init__(self, layer: nn.Linear) -> None:
        self._weight = layer.weight.detach().T.contiguous()
        self._bias = layer.bias.detach() if "bias" in dict(layer.named_parameters()) else None

    def __call__(self, x: Tensor) -> Tensor:
        """``[1, inputs]`` to ``[1, outputs]``."""
        return x @ self._weight if self._bias is None else torch.addmm(self._bias, x, self._weight)


class BlockSteps:
    """A :class:`Block`, place after place."""

    def __init__(self, block: Block, heads: int) -> None:
        self._heads = heads
        self._norm, self._feed_norm = block.norm, block.feed_norm
        self._project, self._join = Affine(block.project), Affine(block.join)
        first, last = block.feed[0], block.feed[2]
        if not isinstance(first, nn.Linear) or not isinstance(last, nn.Linear):
            raise TypeError(block.feed)
        self._first, self._last = Affine(first), Affine(last)

    def __call__(self, x: Tensor, ring: Ring, place: int, turn: Tensor | None = None) -> Tensor:
        """Go on by one place.

        Args:
            x: ``[1, width]``.
            ring: Of the places before; this one is added.
            place: Its number.
            turn: ``[channels / 2]`` complex, how far its query and key are turned; None for not at all.

        Returns:
            ``[1, width]``.
        """
        query, key, value = self._project(self._norm(x)).view(3, self._heads, -1).unbind()
        if turn is not None:
            query, key = _turned(query, turn), _turned(key, turn)
        room = ring.keys.shape[1]
        ring.keys[:, place % room], ring.values[:, place % room] = key, value
        count = min(place + 1, room)
        seen = F.scaled_dot_product_attention(
            query[None, :, None], ring.keys[None, :, :count], ring.values[None, :, :count]
        )
        x = x + self._join(seen.view(1, -1))
        return x + self._last(F.gelu(self._first(self._feed_norm(x))))


class DepthSteps:
    """The :class:`DepthTransformer`, code after code."""

    def __init__(self, lm: VoiceLm) -> None:
        depth, books, size = lm.depth, lm.books.entries, lm.size
        self._shape = (size.depth_heads, size.books, size.depth_width // size.depth_heads)
        self._blocks = [BlockSteps(block, size.depth_heads) for block in _blocks(depth.blocks)]
        self._norm, self._place, self._bias = depth.norm, depth.place.detach(), depth.bias.detach()
        self._known = torch.einsum("ked,kdw->kew", books, depth.known)
        self._wanted = torch.einsum("kwd,ked->kwe", depth.wanted, books).contiguous()

    def __call__(self, frame: Tensor, choose: Chooser) -> list[int]:
        """The codes of a frame.

        Args:
            frame: ``[1, depth_width]`` what it is to be.
            choose: Asked for each code in turn.
        """
        rings = [Ring(torch.empty(self._shape), torch.empty(self._shape)) for _ in self._blocks]
        codes = list[int]()
        for book, (place, bias, wanted) in enumerate(zip(self._place, self._bias, self._wanted, strict=True)):
            x = frame + place
            for block, ring in zip(self._blocks, rings, strict=True):
                x = block(x, ring, book)
            codes.append(choose(book, torch.addmm(bias, self._norm(x), wanted)[0]))
            frame = frame + self._known[book, codes[-1]]
        return codes


class LmSteps:
    """A language model that is ready to speak; it keeps nothing of what is said.

    Attributes:
        lm: The network, its weights as they were when this was made.
    """

    @torch.inference_mode()
    def __init__(self, lm: VoiceLm) -> None:
        self.lm = lm
        size, books = lm.size, lm.books.entries
        channels = size.width // size.heads
        self._shape = (size.heads, size.window, channels)
        self._rates = BASE ** (-torch.arange(0, channels, 2, dtype=torch.float64) / channels)
        self._blocks = [BlockSteps(block, size.heads) for block in _blocks(lm.blocks)]
        told = lm.before.weight.unflatten(1, (size.books, size.entry_width))
        self._told = torch.einsum("ked,wkd->kew", books, told)
        self._ahead = Affine(lm.ahead)
        self._numbers = torch.arange(size.books)
        self.codes = DepthSteps(lm)

    def rings(self, memories: list[Memory], frames: int) -> list[Ring]:
        """Rings of the blocks that go on behind ``frames`` frames; no memories for a beginning."""
        rings = [Ring(torch.zeros(self._shape), torch.zeros(self._shape)) for _ in self._blocks]
        for ring, memory in zip(rings, memories, strict=bool(memories)):
            kept = memory.keys.shape[2]
            places = torch.arange(frames - kept, frames) % self._shape[1]
            ring.keys[:, places], ring.values[:, places] = memory.keys[0], memory.values[0]
        return rings

    def enter(self, codes: list[int] | None) -> Tensor:
        """``[1, width]`` of the codes of the frame before; None at the beginning."""
        if codes is None:
            return self.lm.begin[None]
        return self._told[self._numbers, codes].sum(0, keepdim=True) + self.lm.before.bias

    def hidden(self, entered: Tensor, seen: Tensor, age: int, rings: list[Ring], frames: int) -> Tensor:
        """Go on by one frame.

        Args:
            entered: ``[1, width]`` of :meth:`enter`, the voice's condition added.
            seen: ``[5, text_width]`` phones that it begins with.
            age: Frames since the first of them began.
            rings: Of the frames before; this one is added.
            frames: How many there were.

        Returns:
            ``[1, width]``.
        """
        x = entered + self._ahead(seen.reshape(1, -1)) + self.lm.age.weight[min(age, OLDEST)]
        angles = (frames * self._rates).float()
        turn = torch.polar(torch.ones_like(angles), angles)
        for block, ring in zip(self._blocks, rings, strict=True):
            x = block(x, ring, frames, turn)
        return self.lm.norm(x)

    def frame(self, hidden: Tensor, seen: Tensor, advance: int) -> Tensor:
        """``[1, depth_width]`` what a frame is to be; see :meth:`VoiceLm.frame`."""
        known = sounding(seen[None, None], torch.tensor([[advance]]))[0, 0]
        return self.lm.join(torch.cat((hidden, known.reshape(1, -1)), 1)) + self.lm.advanced.weight[advance]


def behind(encoded: Tensor) -> Tensor:
    """``[N + 5, width]`` of ``[1, N, width]`` phones: with nothing behind the last, for frames that begin in it."""
    return F.pad(encoded[0], (0, 0, 0, SLOTS))


def _blocks(blocks: nn.ModuleList) -> list[Block]:
    return [block for block in blocks if isinstance(block, Block)]


def _turned(x: Tensor, turn: Tensor) -> Tensor:
    """``[heads, channels]`` turned in neighbouring pairs, the same shape."""
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn).flatten(-2)
