"""Trains what finds the words of an answer in a window.

A small head on the packaged sentence encoder, as it is: each token of the window attends to the question's (Seo et al.,
"Bidirectional Attention Flow for Machine Comprehension", 2017, section 2.4), two convolutions look around it, and each
token gets a score for being the answer's first and one for being its last. Which window is read is not its business,
but what says which window that is, the relevance, also says which of its sentences are like the question.

    python -m nodes.thinker.training.reader --data FOLDER --out FOLDER
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from mio.nn.weights import write_weights
from mio.sentences.encoder import TokenStates, packaged_model
from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from mio.training.seeds import seed_all
from nodes.thinker.reading.cues import CUES, cues
from nodes.thinker.reading.narration import WEIGHTS
from nodes.thinker.reading.overlap import Span, best_span
from nodes.thinker.reading.relevance import Heads, ask, load_heads, told_tokens
from nodes.thinker.reading.terms import TermIndex
from nodes.thinker.training.bert import load_bert
from nodes.thinker.training.lessons import Lessons, run_command
from nodes.thinker.training.states import Lower, Tokens, pad
from nodes.thinker.training.tales import Library, Question, Tale, load_library

WIDTH = 96
HIDDEN = 128
_REACH, _DILATION = 5, 3  # tokens that a convolution sees, and how far apart they are in the second one
_DROPOUT = 0.2
_SPAN_F1 = 0.3  # of a stretch that is good enough to be learnt as the answer; it counts as much as its F1
_BATCH = 16
_LAYERS = 6  # all are frozen
_EVERY = 2  # one held-out question of so many is measured during training
_WARMUP_STEPS = 40


class Reader(nn.Module):
    """Reads windows: scores of begin and end of the answer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.asked = nn.Linear(width, WIDTH)
        self.told = nn.Linear(width, WIDTH)
        self.near = nn.Conv1d(4 * WIDTH + 1 + CUES, HIDDEN, _REACH, padding="same")
        self.wide = nn.Conv1d(HIDDEN, HIDDEN, _REACH, padding="same", dilation=_DILATION)
        self.bounds = nn.Linear(HIDDEN, 2)

    def forward(self, question: Tokens, window: Tokens, cues: Tensor) -> Tensor:
        """Read.

        Args:
            question: States ``[B, Q, D]``.
            window: States ``[B, T, D]``.
            cues: What else is known of the window's tokens, ``[B, T, CUES]``.

        Returns:
            Scores of begin and end, ``[B, T, 2]``.
        """
        asked, told = self.asked(question.below.float()), self.told(window.below.float())
        alike = told @ asked.transpose(1, 2) * WIDTH**-0.5
        alike = alike.masked_fill(question.mask[:, None] == 0, -1e4)
        meant = functional.softmax(alike, -1) @ asked
        whole = (asked * question.mask[..., None]).sum(1) / question.mask.sum(1, keepdim=True)
        parts = [told, meant, told * meant, whole[:, None].expand_as(told), alike.amax(-1, keepdim=True), cues]
        x = torch.cat(parts, -1) * window.mask[..., None]
        x = functional.gelu(self.near(functional.dropout(x, _DROPOUT, self.training).transpose(1, 2)))
        x = x * window.mask[:, None]
        x = x + functional.gelu(self.wide(functional.dropout(x, _DROPOUT, self.training)))
        return self.bounds(x.transpose(1, 2)).masked_fill(window.mask[..., None] == 0, -1e4)


class Window(NamedTuple):
    """A window of a tale: its section, text, the first token of each word, and the encoder's view of it."""

    section: int
    text: str
    first_token: list[int]
    read: TokenStates

    @property
    def words(self) -> list[str]:
        """Its words."""
        return self.text.split()


class Item(NamedTuple):
    """A question to learn from.

    Attributes:
        asked: States ``[Q, D]``.
        window: States ``[T, D]`` of the window with the evidence.
        cues: What else is known of its tokens, ``[T, CUES]``.
        span: First and last token of the answer there.
        weight: How like the answer that stretch is, 0..1.
    """

    asked: Tensor
    window: Tensor
    cues: Tensor
    span: tuple[int, int]
    weight: float


def read_windows(lower: Lower, tale: Tale) -> list[Window]:
    """The windows of a tale, their words and where these begin among the tokens."""
    return [
        Window(text.section, text.text, lower.first_tokens(text.text), lower.token_states(text))
        for text in lower.windows(tale)
    ]


def items(lower: Lower, heads: Heads, tale: Tale, questions: Sequence[Question]) -> list[Item]:
    """Those of a tale's questions whose answer stands there, as something to learn from."""
    told = read_windows(lower, tale)
    index = TermIndex([window.text for window in told])
    asked = lower.questions(tale.story, [question.question for question in questions])
    found: list[Item] = []
    for question, text in zip(questions, asked, strict=True):
        scores = index.scores(question.question)
        mine = [at for at, window in enumerate(told) if window.section in question.sections]
        spans = {at: best_span(told[at].words, question.answers) for at in mine}
        best = max(mine, key=lambda at: (spans[at].f1, scores[at]), default=None)
        if best is None or spans[best].f1 < _SPAN_F1:
            continue
        window, span = told[best], spans[best]
        known = cues(
            ask(question.question, lower.token_states(text), heads),
            window.text,
            told_tokens(window.read, heads),
            window.read.spans,
        )
        states = torch.from_numpy(window.read.states).half()
        found.append(Item(text.states, states, torch.from_numpy(known), _tokens_of(window, span), span.f1))
    return found


def _tokens_of(window: Window, span: Span) -> tuple[int, int]:
    """First and last token of a stretch of words."""
    first = window.first_token[span.begin]
    end = window.first_token[span.end] if span.end < len(window.words) else len(window.read.states) - 1
    return first, max(first, end - 1)


def loss_of(model: Reader, batch: Sequence[Item]) -> Tensor:
    """Cross-entropy of begin and end among the tokens of the right window, scalar."""
    known = pad_sequence([item.cues for item in batch], batch_first=True)
    bounds = model(pad([item.asked for item in batch]), pad([item.window for item in batch]), known)
    spans, weights = torch.tensor([item.span for item in batch]), torch.tensor([item.weight for item in batch])
    losses = [functional.cross_entropy(bounds[..., side], spans[:, side], reduction="none") for side in (0, 1)]
    return (weights * (losses[0] + losses[1])).sum() / weights.sum()


@torch.no_grad()
def evaluate(model: Reader, held_out: Sequence[Item]) -> float:
    """Loss on items."""
    model.eval()
    batches = [held_out[at : at + _BATCH] for at in range(0, len(held_out), _BATCH)]
    return sum(float(loss_of(model, batch)) for batch in batches) / len(batches)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        fold: Which tales are held out.
        folds: One tale of so many is held out.
        epochs: How often each question is seen.
        rate: Learning rate.
        seed: Of all random numbers.
        relevance: Folder of the relevance whose view of the tales is used; the packaged one if left out.
    """

    fold: int = 0
    folds: int = 6
    epochs: int = 5
    rate: float = 3e-3
    seed: int = 1
    relevance: str = ""


class ReaderLessons(Lessons[Item]):
    """One step is a batch of questions."""

    def __init__(self, model: Reader, learn: Sequence[Item], held_out: Sequence[Item], settings: Settings) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=0.01)
        super().__init__(
            model,
            optimizer,
            learn,
            batch=_BATCH,
            epochs=settings.epochs,
            warm_up=_WARMUP_STEPS,
            seed=settings.seed,
        )
        self._reader = model
        self._held_out = held_out

    def loss(self, batch: Sequence[Item]) -> Tensor:
        """See :func:`loss_of`."""
        return loss_of(self._reader, batch)

    def examine(self) -> dict[str, float]:
        """Loss on the held-out questions."""
        return {"held_out_loss": evaluate(self._reader, self._held_out)}


def learn(data: Path, out: Path, states: Path, settings: Settings) -> None:
    """Train, or go on with a training that was stopped; writes ``OUT/reader``.

    Raises:
        ConfigError: If the data cannot be read, or the folder has a run with other settings.
    """
    folder = RunFolder(out, settings)
    bert = load_bert(packaged_model(), _LAYERS)
    lower = Lower(bert, states)
    heads = load_heads(Path(settings.relevance) if settings.relevance else WEIGHTS / "relevance")
    parts = load_library(data, "train").fold(settings.fold, settings.folds)
    seen, held_out = (_items(lower, heads, part) for part in parts)
    seed_all(settings.seed)
    model = Reader(bert.shape.hidden_size)
    lessons = ReaderLessons(model, seen, held_out[::_EVERY], settings)
    plan = Plan(lessons.steps, settings.seed, save_every_s=60.0)
    if train(lessons, folder, plan, Progress(Console(), "reader")) == lessons.steps:
        write_weights(out / "reader", model.state_dict(), settings, half=True)


def _items(lower: Lower, heads: Heads, library: Library) -> list[Item]:
    return [
        item
        for name, asked in library.questions.items()
        if asked
        for item in items(lower, heads, library.tales[name], asked)
    ]


def main() -> None:
    """Command line."""
    run_command(__doc__, Settings, learn)


if __name__ == "__main__":
    main()
