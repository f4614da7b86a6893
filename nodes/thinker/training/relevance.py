"""Trains what says where in a story a question is answered.

Late interaction (Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT", 2020) on the packaged sentence encoder: a question and a window of the story are vectors per
token; each token of the question looks for the nearest one of the window, and a learnt weight says how much it counts.
BM25 and the cosine of the sentence vectors are added with learnt weights. The loss is the cross-entropy of the windows
that hold the evidence among all of the tale, so a softmax over windows is the probability of where the answer stands.

    python -m nodes.thinker.training.relevance --data FOLDER --out FOLDER [--fold 0 --folds 6] [--resume]
"""

import argparse
import logging
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from nodes.thinker.encoder import packaged_model
from nodes.thinker.reading.terms import TermIndex
from nodes.thinker.training.bert import Bert, load_bert
from nodes.thinker.training.states import Lower, Tokens, pad
from nodes.thinker.training.tales import Library, Question, Tale, load_library

WIDTH = 128  # of a token's vector, as in ColBERT
_WEIGHT = 3.0  # of a question's token before training
_START = (0.45, 4.8)  # weights of BM25 and of the cosine before training

_GROUP = 8
_WARMUP_STEPS = 30
_SAVE_EVERY = 20
_log = logging.getLogger(__name__)


class Relevance(nn.Module):
    """Vectors of tokens, how much a question's token counts, and how much words and meaning count beside it."""

    def __init__(self, bert: Bert) -> None:
        super().__init__()
        self.bert = bert
        width = bert.shape.hidden_size
        self.asked = nn.Linear(width, WIDTH, bias=False)
        self.told = nn.Linear(width, WIDTH, bias=False)
        self.importance = nn.Linear(width, 1)
        self.others = nn.Parameter(torch.tensor(_START))
        nn.init.zeros_(self.importance.weight)
        nn.init.constant_(self.importance.bias, math.log(math.expm1(_WEIGHT)))

    def forward(self, example: "Example") -> Tensor:
        """Score of each window for each question, ``[questions, windows]``."""
        states = self.bert.above(example.question.below.float(), example.question.mask)
        vectors = functional.normalize(self.asked(states), dim=-1)
        weights = functional.softplus(self.importance(states))[..., 0] * example.question.mask
        late = torch.cat([self._late(vectors, weights, group) for group in example.story], 1)
        return late + self.others[0] * example.words + self.others[1] * example.meaning

    def _late(self, asked: Tensor, weights: Tensor, told: Tokens) -> Tensor:
        states = self.bert.above(told.below.float(), told.mask)
        vectors = functional.normalize(self.told(states), dim=-1)
        alike = torch.einsum("qid,pjd->qpij", asked, vectors)
        alike = alike.masked_fill(told.mask[None, :, None, :] == 0, -1.0)
        return torch.einsum("qpi,qi->qp", alike.amax(-1), weights)


class Example(NamedTuple):
    """A tale with its questions.

    Attributes:
        question: ``[questions, T, D]``.
        story: Groups ``[windows, T, D]`` of like length, so that little is padded.
        sections: Section of each window, from 1 on.
        evidence: ``[questions, windows]``: whether it is of a section with evidence.
        words: BM25, ``[questions, windows]``.
        meaning: Cosine of the sentence vectors, ``[questions, windows]``.
    """

    question: Tokens
    story: tuple[Tokens, ...]
    sections: Tensor
    evidence: Tensor
    words: Tensor
    meaning: Tensor


def prepare(lower: Lower, tale: Tale, questions: Sequence[Question]) -> Example:
    """Make a tale and its questions something to learn from."""
    told = sorted(lower.windows(tale), key=lambda window: len(window.text))
    asked = lower.questions(tale.story, [question.question for question in questions])
    sections = torch.tensor([window.section for window in told])
    index = TermIndex([window.text for window in told])
    return Example(
        question=pad([text.states for text in asked]),
        story=tuple(pad([text.states for text in told[at : at + _GROUP]]) for at in range(0, len(told), _GROUP)),
        sections=sections,
        evidence=torch.stack([torch.isin(sections, torch.tensor(question.sections)) for question in questions]),
        words=torch.stack([torch.from_numpy(index.scores(question.question)) for question in questions]),
        meaning=torch.stack([text.vector for text in asked]) @ torch.stack([text.vector for text in told]).T,
    )


def loss_of(scores: Tensor, evidence: Tensor) -> Tensor:
    """Cross-entropy of the windows with evidence, scalar."""
    logs = functional.log_softmax(scores, -1)
    return -torch.logsumexp(logs.masked_fill(~evidence, -1e4), -1).mean()


@torch.no_grad()
def evaluate(model: Relevance, examples: Sequence[Example]) -> tuple[float, float]:
    """Loss, and share of questions whose best window is of a section with evidence."""
    model.eval()
    losses, rights, count = 0.0, 0.0, 0
    for example in examples:
        scores = model(example)
        losses += len(scores) * float(loss_of(scores, example.evidence))
        rights += float(example.evidence.gather(1, scores.argmax(1, keepdim=True)).sum())
        count += len(scores)
    return losses / count, rights / count


@torch.no_grad()
def _start(model: Relevance, examples: Sequence[Example]) -> None:
    """Start the projections with the principal directions of what the encoder makes of tokens."""
    model.eval()
    groups = [group for example in examples[::8] for group in example.story[:1]]
    states = [model.bert.above(group.below.float(), group.mask)[group.mask > 0] for group in groups]
    directions = torch.linalg.svd(torch.cat(states), full_matrices=False).Vh[:WIDTH]
    model.asked.weight.copy_(directions)
    model.told.weight.copy_(directions)


class Progress:
    """The optimiser and where a run is; what it saves, another run goes on from."""

    def __init__(self, model: Relevance, steps: int, rate: float, head_rate: float) -> None:
        self._model = model
        encoder = [parameter for parameter in model.bert.parameters() if parameter.requires_grad]
        learnt = {id(parameter) for parameter in model.bert.parameters()}
        heads = [parameter for parameter in model.parameters() if id(parameter) not in learnt]
        groups = [{"params": heads, "lr": head_rate}] + ([{"params": encoder, "lr": rate}] if encoder else [])
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: min(1.0, (step + 1) / _WARMUP_STEPS) * max(0.0, 1 - step / steps)
        )
        self.done = 0

    def step(self, loss: Tensor) -> None:
        """Follow the gradient of a loss."""
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self.done += 1

    def save(self, path: Path) -> None:
        """Keep everything in a file, which is whole at any time."""
        kept = {"model": self._model.state_dict(), "optimizer": self._optimizer.state_dict()}
        temporary = path.with_suffix(".new")
        torch.save({**kept, "schedule": self._schedule.state_dict(), "done": self.done}, temporary)
        temporary.replace(path)

    def load(self, path: Path) -> None:
        """Go on from such a file."""
        kept = torch.load(path, weights_only=True)
        self._model.load_state_dict(kept["model"])
        self._optimizer.load_state_dict(kept["optimizer"])
        self._schedule.load_state_dict(kept["schedule"])
        self.done = kept["done"]


def train(args: argparse.Namespace) -> None:
    """Train, save after every few steps."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    bert = load_bert(packaged_model(), args.first_layer)
    lower = Lower(bert, args.states or args.out / "states")
    learn, held_out = (_examples(lower, part) for part in load_library(args.data, "train").fold(args.fold, args.folds))
    _log.info("%d tales to learn from, %d held out", len(learn), len(held_out))
    model = Relevance(bert)
    progress = Progress(model, args.epochs * len(learn), args.rate, args.head_rate)
    state = args.out / "state.pt"
    args.out.mkdir(parents=True, exist_ok=True)
    if args.resume and state.is_file():
        progress.load(state)
    else:
        _start(model, learn)
    _log.info("step %d: held out loss %.3f, right %.3f", progress.done, *evaluate(model, held_out))
    began, first = time.process_time(), progress.done
    while progress.done < args.epochs * len(learn):
        epoch, at = divmod(progress.done, len(learn))
        order = random.Random(f"{args.seed} {epoch}").sample(range(len(learn)), len(learn))
        torch.manual_seed(args.seed * 1_000_000 + progress.done)
        model.train()
        example = learn[order[at]]
        progress.step(loss_of(model(example), example.evidence))
        if progress.done % _SAVE_EVERY == 0:
            progress.save(state)
            _log.info("step %d, %.2f CPU-s each", progress.done, (time.process_time() - began) / (progress.done - first))
        if at == len(learn) - 1 or (args.first_layer < 6 and progress.done % 60 == 0):
            _log.info("epoch %.2f: held out loss %.3f, right %.3f", progress.done / len(learn), *evaluate(model, held_out[:: 1 if at == len(learn) - 1 else 4]))
    progress.save(state)


def _examples(lower: Lower, library: Library) -> list[Example]:
    return [prepare(lower, library.tales[name], asked) for name, asked in library.questions.items() if asked]


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with stories.jsonl and qa.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--states", type=Path, help="folder where what the frozen layers make of the tales is kept")
    parser.add_argument("--fold", type=int, default=0, help="which tales to hold out")
    parser.add_argument("--folds", type=int, default=6, help="one tale of so many is held out")
    parser.add_argument("--first-layer", type=int, default=6, help="encoder layers from this on are trained, too")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate of the encoder")
    parser.add_argument("--head-rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on where a run that was stopped had saved")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
