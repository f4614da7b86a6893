"""What ``mio train thinker`` does: builds the parts that its options name, trains, draws, and writes the adapter."""

import argparse
import os
from pathlib import Path

import msgspec
import torch
from rich.console import Console

from mio.character import read_character
from mio.errors import MioError
from mio.paths import share
from mio.sentences.encoder import SentenceEncoder
from mio.training.command import Figures, add_run_arguments, learn
from mio.training.loop import Plan, Trainee
from mio.training.run_folder import RunFolder
from mio.training.settings import with_settings
from nodes.thinker.construction.pack_story import read_story
from nodes.thinker.memory.graph import Present, StoryGraph
from nodes.thinker.training.assessment import Assessment
from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.critics import ModelJudge, ModelOracle
from nodes.thinker.training.policy import Policies, load_model
from nodes.thinker.training.practice.critics import Errors
from nodes.thinker.training.practice.practice import CONFIG, build_practice
from nodes.thinker.training.rules import Rules
from nodes.thinker.training.selftraining import SelfTraining
from nodes.thinker.training.stage import PackStage
from nodes.thinker.training.structured_answers import AnsweringModel

_SHOWN = ("rating", "reward", "scenario_reward", "true_reward")
_DRAWN = ("true_reward", "rating", "reward", "kept")


class Run(msgspec.Struct, frozen=True):
    """What belongs to a run for good.

    Attributes:
        model: Where the starting model came from; empty for practice.
        character: Folder of the pack; empty for practice.
        judge: Model that judges and attributes; empty for practice.
        seed: Of everything.
        training: Settings.
    """

    model: str
    character: str
    judge: str
    seed: int
    training: SelfTrainingConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--practice", action="store_true", help="a tiny model and a scripted judge, both made here")
    parser.add_argument("--model", help="starting model: folder, or name on the hub")
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack")
    parser.add_argument("--judge-url", default="http://localhost:8080/v1", help="endpoint of judge and oracle")
    parser.add_argument("--judge-model", default="default", help="model there")
    parser.add_argument("--judge-key-env", default="OPENAI_API_KEY", help="environment variable with its key")
    parser.add_argument("--steps", type=int, default=80, help="steps in total (80)")
    parser.add_argument("--seed", type=int, default=0, help="of everything (0)")
    add_run_arguments(parser, Path("out/train/thinker"))


def run(args: argparse.Namespace, console: Console) -> int:
    """Train, or go on training; the same command goes on where it was stopped."""
    if not args.practice and not args.model:
        raise MioError("no model to train", "name one with --model, or try the loop with --practice")
    settings = with_settings(CONFIG if args.practice else SelfTrainingConfig(), args.set)
    named = ("", "", "") if args.practice else (args.model, str(args.character), args.judge_model)
    folder = RunFolder(args.out, Run(*named, seed=args.seed, training=settings))
    trainee, policies = _practice(args, settings) if args.practice else _build(args, settings)
    plan = Plan(args.steps, args.seed, device=args.device)
    figures = Figures("thinker", _SHOWN, _DRAWN, smooth=settings.phase)
    if learn(trainee, folder, plan, figures, console, args.plot):
        console.print(f"the persona's adapter: {policies.export(args.out / 'adapters')}")
    return 0


def _practice(args: argparse.Namespace, settings: SelfTrainingConfig) -> tuple[Trainee, Policies]:
    return build_practice(args.out / "base", settings, args.seed, Errors())


def _build(args: argparse.Namespace, settings: SelfTrainingConfig) -> tuple[Trainee, Policies]:
    """A real model, a character pack, and a language model that judges."""
    story = read_story(args.character)
    graph, present = (story.graph, story.present) if story else (StoryGraph(), Present(0.0))
    stage = PackStage(read_character(args.character), graph, present)
    asked = AnsweringModel(args.judge_url, args.judge_model, os.environ.get(args.judge_key_env, ""))
    judge, oracle = ModelJudge(asked, stage.card), ModelOracle(asked, stage.card)
    assessment = Assessment(judge, oracle, Rules(graph), SentenceEncoder(), settings)
    torch.manual_seed(args.seed)  # of the adapters
    policies = Policies(*load_model(args.model, args.device), settings)
    return SelfTraining(policies, stage, assessment, settings, seed=args.seed), policies
