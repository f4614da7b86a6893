"""Trains the network that reads a window with a question in mind: is the answer there, and in which words?

The lower layers see question and window apart, so a window's states can be computed before any question; the upper ones
see both (Cao et al., "DeFormer: Decomposing Pre-trained Transformers for Faster Question Answering", 2020). Scores of
begin and end are normalised over all windows of a question (Clark and Gardner, "Simple and Effective Multi-Paragraph
Reading Comprehension", 2018), so they can be compared between windows.

    python -m nodes.thinker.training.reader --data FOLDER --out FOLDER
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
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
from nodes.thinker.training.bert import Bert, load_bert
from nodes.thinker.training.relevance import learnt
from nodes.thinker.training.states import Lower, Tokens, pad
from nodes.thinker.training.tales import Library, Question, Tale, load_library

_CROP = 96  # tokens of a window in training
_HARD = 5  # windows without evidence that share most words with the question
_SPAN_F1 = 0.5  # of a stretch that is good enough to be learnt as the answer
_BATCH = 8
_EVERY = 4  # one held-out question of so many is measured during training
_WARMUP_STEPS = 40


class Reader(nn.Module):
    """Reads windows: heads for begin and end of the answer, and for whether it is there at all."""

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.bert = bert
        width = bert.shape.hidden_size
        self.kinds = nn.Embedding(2, width)
        self.bounds = nn.Linear(width, 2)
        self.holds = nn.Linear(width, 1)
        for parameter in (self.kinds.weight, self.bounds.weight, self.holds.weight):
            nn.init.normal_(parameter, std=0.02)

    def forward(self, question: Tokens, window: Tokens) -> tuple[Tensor, Tensor]:
        """Read.

        Args:
            question: States ``[B, Q, D]``.
            window: States ``[B, T, D]``.

        Returns:
            Scores of begin and end, ``[B, T, 2]``, and of whether the answer is there, ``[B]``.
        """
        x = torch.cat([question.below + self.kinds.weight[0], window.below + self.kinds.weight[1]], 1)
        states = self.bert.above(x, torch.cat([question.mask, window.mask], 1))
        bounds = self.bounds(states[:, question.mask.shape[1] :])
        return bounds.masked_fill(window.mask[..., None] == 0, -1e4), self.holds(states[:, 0])[:, 0]


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
        right: The window with the evidence.
        span: First and last token of the answer there.
        wrong: Windows without evidence that look alike.
    """

    asked: Tensor
    right: Window
    span: tuple[int, int]
    wrong: list[Window]


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
        others = [at for at in np.argsort(-scores) if told[at].section not in question.sections][:_HARD]
        spans = {at: best_span(told[at].words, question.answers) for at in mine}
        best = max(mine, key=lambda at: (spans[at].f1, scores[at]), default=None)
        if best is None or not others or spans[best].f1 < _SPAN_F1:
            continue
        first, last = _tokens_of(told[best], spans[best])
        found.append(Item(text.states, told[best], (first, last), [told[at] for at in others]))
    return found


def _tokens_of(window: Window, span: Span) -> tuple[int, int]:
    """First and last token of a stretch of words."""
    first = window.first_token[span.begin]
    end = window.first_token[span.end] if span.end < len(window.words) else len(window.states) - 1
    return first, max(first, end - 1)


def crop(window: Window, span: tuple[int, int], chance: random.Random) -> tuple[Tensor, tuple[int, int]]:
    """A stretch of a window's states that has the answer, and where in it that is."""
    length = len(window.states)
    if length <= _CROP:
        return window.states, span
    low, high = 0, length - _CROP
    if span[0] >= 0:
        low, high = max(0, min(span[1] + 1 - _CROP, high)), min(high, span[0])
    at = chance.randint(min(low, high), high)
    inside = span[0] >= at and span[1] < at + _CROP
    return window.states[at : at + _CROP], (span[0] - at, span[1] - at) if inside else (-1, -1)


def loss_of(model: Reader, batch: Sequence[Item], chance: random.Random) -> Tensor:
    """Cross-entropy of the right window, begin and end, each among both windows of a question; scalar."""
    asked, told, spans = [], [], []
    for item in batch:
        states, span = crop(item.right, item.span, chance)
        wrong, _ = crop(chance.choice(item.wrong), (-1, -1), chance)
        asked += [item.asked, item.asked]
        told += [states, wrong]
        spans.append(span)
    bounds, holds = model(_float(asked), _float(told))
    n, time_ = len(batch), bounds.shape[1]
    loss = functional.cross_entropy(holds.view(n, 2), torch.zeros(n, dtype=torch.long))
    known = [at for at, span in enumerate(spans) if span[0] >= 0]
    if known:
        flat = bounds.view(n, 2 * time_, 2)[known]
        for side in (0, 1):
            target = torch.tensor([spans[at][side] for at in known])
            loss = loss + 0.5 * functional.cross_entropy(flat[..., side], target) * len(known) / n
    return loss


def _float(rows: Sequence[Tensor]) -> Tokens:
    tokens = pad(rows)
    return Tokens(tokens.below.float(), tokens.mask)


@torch.no_grad()
def evaluate(model: Reader, held_out: Sequence[Item]) -> float:
    """Loss on items, the same crops each time."""
    model.eval()
    chance = random.Random(0)
    batches = [held_out[at : at + _BATCH] for at in range(0, len(held_out), _BATCH)]
    return sum(float(loss_of(model, batch, chance)) for batch in batches) / len(batches)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        fold: Which tales are held out.
        folds: One tale of so many is held out.
        first_layer: Encoder layers from this on see question and window together, and are trained.
        epochs: How often each question is seen.
        rate: Learning rate of the encoder's layers.
        head_rate: Of everything else.
        seed: Of all random numbers.
    """

    fold: int = 0
    folds: int = 6
    first_layer: int = 4
    epochs: int = 2
    rate: float = 1.5e-4
    head_rate: float = 5e-4
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
        layers = [parameter for parameter in model.bert.parameters() if parameter.requires_grad]
        heads = [*model.kinds.parameters(), *model.bounds.parameters(), *model.holds.parameters()]
        groups = [{"params": layers, "lr": settings.rate}, {"params": heads, "lr": settings.head_rate}]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)

    def step(self) -> dict[str, float]:
        """Learn from a batch; measure the held-out questions twice an epoch."""
        epoch, at = divmod(self._done, self._per_epoch)
        order = random.Random(f"{self._seed} {epoch}").sample(range(len(self._learn)), len(self._learn))
        batch = [self._learn[number] for number in order[at * _BATCH : (at + 1) * _BATCH]]
        self._model.train()
        loss = loss_of(self._model, batch, random.Random(f"{self._seed} {self._done} crop"))
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._done += 1
        figures = {"loss": float(loss)}
        if self._done % (self._per_epoch // 2) == 0:
            figures["held_out_loss"] = evaluate(self._model, self._held_out)
        return figures

    def weights(self) -> dict[str, Tensor]:
        """What is learnt; the frozen layers are not."""
        return learnt(self._model)

    def state(self) -> dict[str, Any]:
        """Optimiser and schedule."""
        return {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict(), "done": self._done}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from there."""
        self._model.load_state_dict(weights, strict=False)
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
    bert = load_bert(packaged_model(), settings.first_layer)
    lower = Lower(bert, states)
    seen, held_out = (_items(lower, part) for part in load_library(data, "train").fold(settings.fold, settings.folds))
    seed_all(settings.seed)
    model = Reader(bert)
    lessons = Lessons(model, seen, held_out[::_EVERY], settings)
    plan = Plan(lessons.steps, settings.seed, save_every_s=60.0)
    if train(lessons, folder, plan, Progress(Console(), "reader")) == lessons.steps:
        write_weights(out / "reader", learnt(model), settings, half=True)


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
