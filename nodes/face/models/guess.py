"""What the generator makes of the next tokens: patterns of bits, how likely each of them is, and the choice among them.

In UniLS every bit of a token is drawn by itself. What is rare but takes many bits at once, such as the beginning of a
blink, then never comes about as a whole: each of its bits is unlikely, and one without the others means nothing. With
several patterns a token is a mixture: a pattern is drawn, then each bit by the pattern's own shares.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_LEAST = 1e-7


class Guess(NamedTuple):
    """Logits.

    Attributes:
        bits: ``[B, T, patterns, bits, 2]`` of each bit being zero or one.
        patterns: ``[B, T, patterns]``.
    """

    bits: Tensor
    patterns: Tensor

    def last(self, count: int) -> "Guess":
        """That of the last tokens."""
        return Guess(self.bits[:, -count:], self.patterns[:, -count:])


def guided(guess: Guess, guidance: float, temperature: float) -> Guess:
    """The guess of the first half of the rows, led away from that of the second half.

    Args:
        guess: Of all rows; where guidance is 1, none are left out.
        guidance: How far; 1 for not at all.
        temperature: By which logits are divided.
    """
    if guidance <= 1.0:
        return Guess(*(part / temperature for part in guess))
    halves = (part.chunk(2) for part in guess)
    return Guess(*((guidance * some + (1 - guidance) * nothing) / temperature for some, nothing in halves))


def drawn(guess: Guess, top_p: float, lots: Tensor) -> Tensor:
    """``[B, T, bits]`` bits by lot.

    Args:
        guess: How likely they are.
        top_p: A bit that is less likely than ``1 - top_p`` in its pattern is never chosen.
        lots: ``[B, T, patterns + bits]`` what decides, each between 0 and 1. Like lots choose alike, whatever is
            likely; the pattern is that whose lot, spread as Gumbel's distribution, and log-likelihood are the highest.
    """
    share = guess.bits.float().softmax(-1)[..., 1]
    share = torch.where(share <= 1 - top_p, 0.0, torch.where(share >= top_p, 1.0, share))
    of_patterns, of_bits = lots.to(share.device).split((share.shape[2], share.shape[3]), -1)
    spread = -torch.log(-torch.log(of_patterns.clamp(_LEAST, 1 - _LEAST)))
    chosen = (guess.patterns.float().log_softmax(-1) + spread).argmax(-1)
    return (of_bits < _of(share, chosen)).int()


def likeliest(guess: Guess) -> Tensor:
    """``[B, T, bits]`` the likeliest bits of the likeliest pattern."""
    return _of(guess.bits.argmax(-1), guess.patterns.argmax(-1))


def surprise(guess: Guess, right: Tensor) -> Tensor:
    """Negative log-likelihood of ``[B, T, bits]`` bits, nats per bit."""
    sign = 2.0 * right[:, :, None].to(guess.bits.dtype) - 1.0
    of_each = F.logsigmoid(sign * (guess.bits[..., 1] - guess.bits[..., 0])).sum(-1)
    return -(of_each + guess.patterns.log_softmax(-1)).logsumexp(-1).mean() / right.shape[-1]


def _of(values: Tensor, pattern: Tensor) -> Tensor:
    """``[B, T, bits]`` of ``[B, T, patterns, bits]`` values of ``[B, T]`` patterns."""
    return values.gather(2, pattern[:, :, None, None].expand(-1, -1, 1, values.shape[-1]))[:, :, 0]
