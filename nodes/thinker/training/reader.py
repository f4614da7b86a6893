"""Trains what finds the words of an answer in a window.

A small head on the packaged sentence encoder, as it is: each token of the window attends to the question's (Seo et al.,
"Bidirectional Attention Flow for Machine Comprehension", 2017, section 2.4), two convolutions look around it, and each
token gets a score for being the answer's first and one for being its last. Which window is read is not its business.

    python -m nodes.thinker.training.reader --data FOLDER --out FOLDER
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder, write_weights
from mio.training.seeds import seed_all
from nodes.thinker.encoder import packaged_model
from nodes.thinker.reading.overlap import Span, best_span
from nodes.thinker.reading.terms import TermIndex
from nodes.thinker.training.bert import load_bert
from nodes.thinker.training.states import Lower, Tokens, pad
from nodes.thinker.training.tales import Library, Question, Tale, load_library

WIDTH = 96
HIDDEN = 128
_REACH, _DILATION = 5, 3  # tokens that a convolution sees, and how far apart they are in the second one
_DROPOUT = 0.2
_SPAN_F1 = 0.5  # of a stretch that is good enough to be learnt as the answer
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
        self.near = nn.Conv1d(4 * WIDTH + 1, HIDDEN, _REACH, padding="same")
        self.wide = nn.Conv1d(HIDDEN, HIDDEN, _REACH, padding="same", dilation=_DILATION)
        self.bounds = nn.Linear(HIDDEN, 2)

    def forward(self, question: Tokens, window: Tokens) -> Tensor:
        """Read.

        Args:
            question: States ``[B, Q, D]``.
            window: States ``[B, T, D]``.

        Returns:
            Scores of begin and end, ``[B, T, 2]``.
        """
        asked, told = self.asked(question.below.float()), self.told(window.below.float())
        alike = told @ asked.transpose(1, 2) * WIDTH**-0.5
        alike = alike.masked_fill(question.mask[:, None] == 0, -1e4)
        meant = functional.softmax(alike, -1) @ asked
        whole = (asked * question.mask[..., None]).sum(1) / question.mask.sum(1, keepdim=True)
        parts = [told, meant, told * meant, whole[:, None].expand_as(told), alike.amax(-1, keepdim=True)]
        x = torch.cat(parts, -1) * window.mask[..., None]
        x = functional.gelu(self.near(functional.dropout(x, _DROPOUT, self.training).transpose(1, 2)))
        x = x * window.mask[:, None]
        x = x + functional.gelu(self.wide(functional.dropout(x, _DROPOUT, self.training)))
        return self.bounds(x.transpose(1, 2)).masked_fill(window.mask[..., None] == 0, -1e4)


class Window(NamedTuple):
    """A window of a tale: its section, words, the first token of each word, and its states ``[T, D]``."""

    section: int
    words: list[str]
    first_token: list[int]
    states: Tensor


class Item(NamedTuple):
    """A question to learn from.

    Attributes:
        asked: States ``[Q, D]``.
        window: The window with the evidence.
        span: First and last token of the answer there.
    """

    asked: Tensor
    window: Window
    span: tuple[int, int]


def read_windows(lower: Lower, tale: Tale) -> list[Window]:
    """The windows of a tale, their words and where these begin among the tokens."""
    return [
        Window(text.section, text.text.split(), lower.first_tokens(text.text), text.states)
        for text in lower.windows(tale)
    ]


def items(lower: Lower, tale: Tale, questions: Sequence[Question]) -> list[Item]:
    """Those of a tale's questions whose answer stands there, as something to learn from."""
    told = read_windows(lower, tale)
    index = TermIndex([" ".join(window.words) for window in told])
    asked = lower.questions(tale.story, [question.question for question in questions])
    found: list[Item] = []
    for question, text in zip(questions, asked, strict=True):
        scores = index.scores(question.question)
        mine = [at for at, window in enumerate(told) if window.section in question.sections]
        spans = {at: best_span(told[at].words, question.answers) for at in mine}
        best = max(mine, key=lambda at: (spans[at].f1, scores[at]), default=None)
        if best is None or spans[best].f1 < _SPAN_F1:
            continue
        found.append(Item(text.states, told[best], _tokens_of(told[best], spans[best])))
    return found


def _tokens_of(window: Window, span: Span) -> tuple[int, int]:
    """First and last token of a stretch of words."""
    first = window.first_token[span.begin]
    end = window.first_token[span.end] if span.end < len(window.words) else len(window.states) - 1
    return first, max(first, end - 1)


def loss_of(model: Reader, batch: Sequence[Item]) -> Tensor:
    """Cross-entropy of begin and end among the tokens of the right window, scalar."""
    bounds = model(pad([item.asked for item in batch]), pad([item.window.states for item in batch]))
    spans = torch.tensor([item.span for item in batch])
    return sum((functional.cross_entropy(bounds[..., side], spans[:, side]) for side in (0, 1)), torch.zeros(()))


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
    """

    fold: int = 0
    folds: int = 6
    epochs: int = 5
    rate: float = 3e-3
    seed: int = 1


class Lessons:
    """The model, what it learns from, and the optimiser; one step is a batch of questions."""

    def __init__(self, model: Reader, learn: Sequence[Item], held_out: Sequence[Item], settings: Settings):
        self._model = model
        self._learn = learn
        self._held_out = held_out
        self._seed = settings.seed
        self._done = 0
        self._per_epoch = len(learn) // _BATCH
        self.steps = settings.epochs * self._per_epoch
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=0.01)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)

    def step(self) -> dict[str, float]:
        """Learn from a batch; measure the held-out questions after each epoch."""
        epoch, at = divmod(self._done, self._per_epoch)
        order = random.Random(f"{self._seed} {epoch}").sample(range(len(self._learn)), len(self._learn))
        batch = [self._learn[number] for number in order[at * _BATCH : (at + 1) * _BATCH]]
        self._model.train()
        loss = loss_of(self._model, batch)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._done += 1
        figures = {"loss": float(loss.detach())}
        if at == self._per_epoch - 1:
            figures["held_out_loss"] = evaluate(self._model, self._held_out)
        return figures

    def weights(self) -> dict[str, Tensor]:
        """What is learnt."""
        return self._model.state_dict()

    def state(self) -> dict[str, Any]:
        """Optimiser and schedule."""
        return {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict(), "done": self._done}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from there."""
        self._model.load_state_dict(weights)
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._done = int(state["done"])

    def _rate(self, step: int) -> float:
        return min(1.0, (step + 1) / _WARMUP_STEPS) * max(0.0, 1 - step / self.steps)


def learn(data: Path, out: Path, states: Path, settings: Settings) -> None:
    """Train, or go on with a training that was stopped; writes ``OUT/reader``.

    Raises:
        ConfigError: If the data cannot be read, or the folder has a run with other settings.
    """
    folder = RunFolder(out, settings)
    bert = load_bert(packaged_model(), _LAYERS)
    lower = Lower(bert, states)
    seen, held_out = (_items(lower, part) for part in load_library(data, "train").fold(settings.fold, settings.folds))
    seed_all(settings.seed)
    model = Reader(bert.shape.hidden_size)
    lessons = Lessons(model, seen, held_out[::_EVERY], settings)
    plan = Plan(lessons.steps, settings.seed, save_every_s=60.0)
    if train(lessons, folder, plan, Progress(Console(), "reader")) == lessons.steps:
        write_weights(out / "reader", model.state_dict(), settings, half=True)


def _items(lower: Lower, library: Library) -> list[Item]:
    return [
        item for name, asked in library.questions.items() if asked for item in items(lower, library.tales[name], asked)
    ]


def main() -> None:
    """Command line."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with stories.jsonl and qa.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; one that was stopped goes on")
    parser.add_argument("--states", type=Path, help="folder for what the frozen layers make of the tales (1 GB)")
    for name in Settings.__struct_fields__:
        default = getattr(Settings(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = parser.parse_args()
    settings = Settings(**{name: getattr(args, name) for name in Settings.__struct_fields__})
    learn(args.data, args.out, args.states or args.out / "states", settings)


if __name__ == "__main__":
    main()
