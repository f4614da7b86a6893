"""Trains the network that reads a window with a question in mind: is the answer there, and in which words?

The lower layers see question and window apart, so a window's states can be computed before any question; the upper ones
see both (Cao et al., "DeFormer: Decomposing Pre-trained Transformers for Faster Question Answering", 2020). Scores of
begin and end are normalised over all windows of a question (Clark and Gardner, "Simple and Effective Multi-Paragraph
Reading Comprehension", 2018), so they can be compared between windows.

    python -m nodes.thinker.training.reader --data FOLDER --out FOLDER [--fold 0 --folds 6] [--resume]
"""

import argparse
import logging
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nodes.thinker.encoder import packaged_model
from nodes.thinker.reading.overlap import best_span
from nodes.thinker.reading.windows import windows
from nodes.thinker.training.bert import Bert, load_bert
from nodes.thinker.training.relevance import LONGEST_QUESTION, LONGEST_WINDOW, tokenize
from nodes.thinker.training.tales import Library, Question, Tale, load_library
from nodes.thinker.wording import WordIndex
from nodes.thinker.words import plain

FIRST_LAYER = 4

_CROP = 96  # tokens of a window in training
_HARD = 5  # windows without evidence that share most words with the question
_SPAN_F1 = 0.5  # of a stretch that is good enough to be learnt as the answer
_BATCH = 8
_EPOCHS = 2
_RATE, _HEAD_RATE = 1e-4, 5e-4
_WARMUP_STEPS = 40
_SAVE_EVERY = 40
_log = logging.getLogger(__name__)


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

    def forward(self, question: "Tokens", window: "Tokens") -> tuple[Tensor, Tensor]:
        """Read.

        Args:
            question: ``[B, Q, D]``.
            window: ``[B, T, D]``.

        Returns:
            Scores of begin and end, ``[B, T, 2]``, and of whether the answer is there, ``[B]``.
        """
        x = torch.cat([question.below + self.kinds.weight[0], window.below + self.kinds.weight[1]], 1)
        states = self.bert.above(x, torch.cat([question.mask, window.mask], 1))
        bounds = self.bounds(states[:, question.mask.shape[1] :])
        return bounds.masked_fill(window.mask[..., None] == 0, -1e4), self.holds(states[:, 0])[:, 0]


class Tokens(NamedTuple):
    """What the frozen layers make of texts: ``[B, T, D]`` and the mask ``[B, T]``."""

    below: Tensor
    mask: Tensor


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
        span: First and last token of the answer there; (-1, -1) if it is not there in these words.
        wrong: Windows without evidence that look alike.
    """

    asked: Tensor
    right: Window
    span: tuple[int, int]
    wrong: list[Window]


@torch.no_grad()
def read_windows(bert: Bert, tokenizer: Any, tale: Tale) -> list[Window]:
    """Run the frozen layers over a tale."""
    cut = [(number, text) for number, section in enumerate(tale.sections, 1) for text in windows(section)]
    cut.sort(key=lambda row: len(row[1]))
    found: list[Window] = []
    for at in range(0, len(cut), 8):
        group = cut[at : at + 8]
        ids, mask = tokenize(tokenizer, [text for _, text in group], LONGEST_WINDOW)
        states = bert.below(ids, mask).half()
        for (section, text), row, length in zip(group, states, mask.sum(1), strict=True):
            words = text.split()
            starts = np.cumsum([0] + [len(word) + 1 for word in words[:-1]])
            encoding = tokenizer.encode(text)
            tokens = [encoding.char_to_token(int(start)) for start in starts]
            first = [int(length) - 1 if token is None else min(token, int(length) - 1) for token in tokens]
            found.append(Window(section, words, first, row[: int(length)].clone()))
    return found


@torch.no_grad()
def items(bert: Bert, tokenizer: Any, tale: Tale, questions: Sequence[Question]) -> list[Item]:
    """Make a tale's questions something to learn from."""
    told = read_windows(bert, tokenizer, tale)
    index = WordIndex([plain(" ".join(window.words)).split() for window in told])
    ids, mask = tokenize(tokenizer, [q.question for q in questions], LONGEST_QUESTION)
    asked = bert.below(ids, mask).half()
    found: list[Item] = []
    for number, question in enumerate(questions):
        likeness = index.likeness(plain(question.question).split())
        mine = [at for at, window in enumerate(told) if window.section in question.sections]
        others = [at for at in np.argsort(-likeness) if told[at].section not in question.sections][:_HARD]
        if not mine or not others:
            continue
        spans = {at: best_span(told[at].words, question.answers) for at in mine}
        best = max(mine, key=lambda at: (spans[at].f1, likeness[at]))
        span = (-1, -1)
        if spans[best].f1 >= _SPAN_F1:
            first = told[best].first_token
            end = first[spans[best].end] if spans[best].end < len(first) else len(told[best].states) - 1
            span = (first[spans[best].begin], max(first[spans[best].begin], end - 1))
        found.append(Item(asked[number, : int(mask[number].sum())].clone(), told[best], span, [told[at] for at in others]))
    return found


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
    bounds, holds = model(_pad(asked), _pad(told))
    n, time_ = len(batch), bounds.shape[1]
    loss = functional.cross_entropy(holds.view(n, 2), torch.zeros(n, dtype=torch.long))
    known = [at for at, span in enumerate(spans) if span[0] >= 0]
    if known:
        flat = bounds.view(n, 2 * time_, 2)[known]
        for side in (0, 1):
            target = torch.tensor([spans[at][side] for at in known])
            loss = loss + 0.5 * functional.cross_entropy(flat[..., side], target) * len(known) / n
    return loss


def _pad(rows: Sequence[Tensor]) -> Tokens:
    mask = pad_sequence([torch.ones(len(row), dtype=torch.long) for row in rows], batch_first=True)
    return Tokens(pad_sequence([row.float() for row in rows], batch_first=True), mask)


@torch.no_grad()
def evaluate(model: Reader, held_out: Sequence[Item]) -> float:
    """Loss on items, the same crops each time."""
    model.eval()
    chance = random.Random(0)
    batches = [held_out[at : at + _BATCH] for at in range(0, len(held_out), _BATCH)]
    return sum(float(loss_of(model, batch, chance)) for batch in batches) / len(batches)


def _items(bert: Bert, tokenizer: Any, library: Library) -> list[Item]:
    bert.eval()
    return [item for n, qs in library.questions.items() if qs for item in items(bert, tokenizer, library.tales[n], qs)]


def train(args: argparse.Namespace) -> None:
    """Train, save after every few steps."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    folder = packaged_model()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    bert = load_bert(folder, FIRST_LAYER)
    model = Reader(bert)
    learn, held_out = load_library(args.data, "train").fold(args.fold, args.folds)
    learn, held_out = _items(bert, tokenizer, learn), _items(bert, tokenizer, held_out)[::4]
    spans = sum(item.span[0] >= 0 for item in learn) / len(learn)
    _log.info("%d questions to learn from, %.0f%% with a span; %d held out", len(learn), 100 * spans, len(held_out))
    heads = [*model.kinds.parameters(), *model.bounds.parameters(), *model.holds.parameters()]
    groups = [{"params": [p for p in bert.parameters() if p.requires_grad], "lr": args.rate}, {"params": heads, "lr": _HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    per_epoch = len(learn) // _BATCH
    steps = args.epochs * per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / _WARMUP_STEPS) * max(0.0, 1 - s / steps))
    state = args.out / "state.pt"
    args.out.mkdir(parents=True, exist_ok=True)
    done = 0
    if args.resume and state.is_file():
        kept = torch.load(state, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
        done = kept["done"]
    total, began = 0.0, time.process_time()
    for step in range(done, steps):
        epoch, at = divmod(step, per_epoch)
        order = random.Random(args.seed * 1000 + epoch).sample(range(len(learn)), len(learn))
        torch.manual_seed(args.seed * 1_000_000 + step)
        model.train()
        batch = [learn[number] for number in order[at * _BATCH : (at + 1) * _BATCH]]
        loss = loss_of(model, batch, random.Random(args.seed * 1_000_000 + step))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += float(loss)
        if (step + 1) % _SAVE_EVERY == 0 or step < 3:
            _log.info("step %d/%d loss %.3f, %.2f CPU-s per step", step + 1, steps, total / _SAVE_EVERY, (time.process_time() - began) / (step + 1 - done))
            total = 0.0
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "done": step + 1}, state.with_suffix(".new"))
            state.with_suffix(".new").replace(state)
        if (step + 1) % (per_epoch // 2) == 0:
            _log.info("epoch %.1f: held out loss %.3f", (step + 1) / per_epoch, evaluate(model, held_out))
            torch.save(model.state_dict(), args.out / "model.pt")


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with stories.jsonl and qa.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--fold", type=int, default=0, help="which tales to hold out")
    parser.add_argument("--folds", type=int, default=6, help="one tale of so many is held out")
    parser.add_argument("--epochs", type=int, default=_EPOCHS)
    parser.add_argument("--rate", type=float, default=_RATE, help="learning rate of the encoder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on where a run that was stopped had saved")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
