"""Settings of the thinker's self-training."""

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class SelfTrainingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the two policies learn.

    Where nothing else is said, values are those of "Towards Interactive Intelligence for Digital Humans" as far as they
    are public, or usual ones of group-relative policy optimisation (arXiv 2402.03300, section 4.1).

    Attributes:
        turns: Exchanges of a session.
        briefs: Briefs per step.
        group: Sessions per brief, whose rewards are compared with each other.
        phase: Steps after which the other policy learns.
        scenario_learns: Whether the scenario policy learns too; else all steps are the persona policy's.
        credit: ``turns``: each turn is rewarded with its own share of the rating; ``session``: with the whole rating.
        samples: Opinions asked of the oracle for each session.
        agreement: Share of them that must agree on a turn's sign for the turn to be learned from. All of five (1.0)
            threw away half of the turns and learned more slowly: ``mio bench self-training``.
        rubric_weight: Of the rule rewards for speakable, unrepeated answers.
        timeline_weight: Of the rule rewards for leaks and broken frames.
        traps: Share of the briefs that are traps.
        novelty: Distance (1 - cosine) from which on a line is no repeat.
        lora_rank: Of the adapters.
        lora_alpha: Their scale is alpha / rank.
        learning_rate: Of AdamW.
        clip: By how much the probability of a token may change in one step.
        kl: Weight of the distance to the starting model.
        epochs: How often the samples of a step are learned from.
        micro_batch: Samples in one pass through the model; only memory and time depend on it.
        longest_tokens: Of one line or reply.
        longest_prompt_tokens: What is longer is cut at its beginning.
        temperature: Of the sampling.
        threads: Threads that ask the judge and the oracle.
    """

    turns: Positive = 6
    briefs: Positive = 4
    group: Annotated[int, msgspec.Meta(ge=2)] = 8
    phase: Positive = 10
    scenario_learns: bool = True
    credit: Literal["turns", "session"] = "turns"
    samples: Positive = 5
    agreement: Annotated[float, msgspec.Meta(gt=0.5, le=1.0)] = 0.8
    rubric_weight: Share = 0.2
    timeline_weight: Share = 0.2
    traps: Share = 0.1
    novelty: Share = 0.15
    lora_rank: Positive = 64
    lora_alpha: Positive = 64
    learning_rate: Annotated[float, msgspec.Meta(gt=0.0)] = 2e-5
    clip: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] = 0.2
    kl: Annotated[float, msgspec.Meta(ge=0.0)] = 0.02
    epochs: Positive = 2
    micro_batch: Positive = 8
    longest_tokens: Positive = 120
    longest_prompt_tokens: Positive = 2_048
    temperature: Annotated[float, msgspec.Meta(gt=0.0, le=2.0)] = 1.0
    threads: Positive = 8
