"""Trains what says where in a story a question is answered.

Late interaction (Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT", 2020) on the packaged sentence encoder: a question and a window of the story are vectors per
token; each token of the question looks for the nearest one of the window, and a learnt weight says how much it counts.
BM25 and the cosine of the sentence vectors are added with learnt weights. The loss is the cross-entropy of the windows
that hold the evidence among all of the tale, so a softmax over windows is the probability of where the answer stands.

    python -m nodes.thinker.training.relevance --data FOLDER --out FOLDER
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from mio.nn.weights import write_weights
from mio.sentences.encoder import packaged_model
from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from mio.training.seeds import seed_all
from nodes.thinker.reading.relevance import FROM_AFTER, FROM_BEFORE
from nodes.thinker.reading.terms import TermIndex
from nodes.thinker.training.bert import Bert, load_bert
from nodes.thinker.training.lessons import Lessons, run_command
from nodes.thinker.training.states import Lower, Tokens, pad
from nodes.thinker.training.tales import Library, Question, Tale, load_library

WIDTH = 128  # of a token's vector, as in ColBERT
_WEIGHT = 3.0  # of a question's token before training
_START = (0.45, 4.8)  # weights of BM25 and of the cosine before training

_GROUP = 8
_WARMUP_STEPS = 30


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
        nearest = torch.cat([self._nearest(vectors, group) for group in example.story], 1)[:, example.order]
        late = torch.einsum("qpi,qi->qp", _carried(nearest), weights)
        return late + self.others[0] * example.words + self.others[1] * example.meaning

    def _nearest(self, asked: Tensor, told: Tokens) -> Tensor:
        """Cosine of each token of the questions with the nearest one of each window, ``[questions, windows, T]``."""
        states = self.bert.above(told.below.float(), told.mask)
        vectors = functional.normalize(self.told(states), dim=-1)
        alike = torch.einsum("qid,pjd->qpij", asked, vectors)
        return alike.masked_fill(told.mask[None, :, None, :] == 0, -1.0).amax(-1)


def _carried(nearest: Tensor) -> Tensor:
    """A token that a window does not have may stand in the one before or after, where it counts less."""
    before = functional.pad(nearest[:, :-1], (0, 0, 1, 0), value=-1.0) * FROM_BEFORE
    after = functional.pad(nearest[:, 1:], (0, 0, 0, 1), value=-1.0) * FROM_AFTER
    return torch.maximum(nearest, torch.maximum(before, after))


class Example(NamedTuple):
    """A tale with its questions.

    Attributes:
        question: ``[questions, T, D]``.
        story: Groups ``[windows, T, D]`` of like length, so that little is padded.
        order: ``[windows]``: where in the groups each window of the tale is.
        evidence: ``[questions, windows]``: whether it is of a section with evidence.
        words: BM25, ``[questions, windows]``.
        meaning: Cosine of the sentence vectors, ``[questions, windows]``.
    """

    question: Tokens
    story: tuple[Tokens, ...]
    order: Tensor
    evidence: Tensor
    words: Tensor
    meaning: Tensor


def prepare(lower: Lower, tale: Tale, questions: Sequence[Question]) -> Example:
    """Make a tale and its questions something to learn from."""
    told = lower.windows(tale)
    asked = lower.questions(tale.story, [question.question for question in questions])
    by_length = sorted(range(len(told)), key=lambda number: len(told[number].text))
    groups = [by_length[at : at + _GROUP] for at in range(0, len(told), _GROUP)]
    sections = torch.tensor([window.section for window in told])
    index = TermIndex([window.text for window in told])
    return Example(
        question=pad([text.states for text in asked]),
        story=tuple(pad([told[number].states for number in group]) for group in groups),
        order=torch.tensor(by_length).argsort(),
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
    tokens = torch.cat(states)
    directions = torch.linalg.eigh(tokens.T @ tokens).eigenvectors.T.flip(0)[:WIDTH]
    model.asked.weight.copy_(directions)
    model.told.weight.copy_(directions)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        fold: Which tales are held out.
        folds: One tale of so many is held out.
        first_layer: Encoder layers from this on are trained, too; 6 for none.
        epochs: How often each tale is seen.
        rate: Learning rate of the encoder's layers.
        head_rate: Of everything else.
        seed: Of all random numbers.
    """

    fold: int = 0
    folds: int = 6
    first_layer: int = 6
    epochs: int = 4
    rate: float = 1e-4
    head_rate: float = 5e-4
    seed: int = 1


class RelevanceLessons(Lessons[Example]):
    """One step is one tale."""

    def __init__(
        self, model: Relevance, learn: Sequence[Example], held_out: Sequence[Example], settings: Settings
    ) -> None:
        encoder = {id(parameter) for parameter in model.bert.parameters()}
        layers = [parameter for parameter in model.bert.parameters() if parameter.requires_grad]
        heads = [parameter for parameter in model.parameters() if id(parameter) not in encoder]
        groups = [{"params": heads, "lr": settings.head_rate}]
        groups += [{"params": layers, "lr": settings.rate}] if layers else []
        optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        super().__init__(
            model, optimizer, learn, batch=1, epochs=settings.epochs, warm_up=_WARMUP_STEPS, seed=settings.seed
        )
        self._relevance = model
        self._held_out = held_out

    def loss(self, batch: Sequence[Example]) -> Tensor:
        """See :func:`loss_of`."""
        example = batch[0]
        return loss_of(self._relevance(example), example.evidence)

    def examine(self) -> dict[str, float]:
        """Loss on the held-out tales, and share of their questions whose best window is right."""
        loss, right = evaluate(self._relevance, self._held_out)
        return {"held_out_loss": loss, "right": right}

    def weights(self) -> dict[str, Tensor]:
        """What is learnt; the frozen layers are not."""
        return learnt(self._relevance)

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from there."""
        super().restore({**self._relevance.state_dict(), **weights}, state)


def learnt(model: nn.Module) -> dict[str, Tensor]:
    """The weights that are trained, by name."""
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {name: weight for name, weight in model.state_dict().items() if name in trained}


def learn(data: Path, out: Path, states: Path, settings: Settings) -> None:
    """Train, or go on with a training that was stopped; writes ``OUT/relevance``.

    Raises:
        ConfigError: If the data cannot be read, or the folder has a run with other settings.
    """
    folder = RunFolder(out, settings)
    bert = load_bert(packaged_model(), settings.first_layer)
    lower = Lower(bert, states)
    library = load_library(data, "train")
    seen, held_out = (_examples(lower, part) for part in library.fold(settings.fold, settings.folds))
    seed_all(settings.seed)
    model = Relevance(bert)
    _start(model, seen)
    lessons = RelevanceLessons(model, seen, held_out, settings)
    plan = Plan(lessons.steps, settings.seed, save_every_s=60.0)
    if train(lessons, folder, plan, Progress(Console(), "relevance")) == lessons.steps:
        write_weights(out / "relevance", learnt(model), settings, half=True)


def _examples(lower: Lower, library: Library) -> list[Example]:
    return [prepare(lower, library.tales[name], asked) for name, asked in library.questions.items() if asked]


def main() -> None:
    """Command line."""
    run_command(__doc__, Settings, learn)


if __name__ == "__main__":
    main()
