import argparse
import copy
from io import StringIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console

from mio.bench.report import Report
from mio.bench.self_training import paired_t
from mio.character import Character
from mio.cli.train import load
from mio.errors import ConfigError, MioError
from mio.training.log import read_log
from mio.training.settings import with_settings
from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.training.assessment import persona_rewards, scenario_rewards
from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.optimisation import Optimiser, Sample, token_losses
from nodes.thinker.training.policy import Policies, Role, load_model
from nodes.thinker.training.practice.critics import Errors, ScriptedOracle
from nodes.thinker.training.practice.model import make_model
from nodes.thinker.training.practice.practice import CONFIG, build_practice, exam
from nodes.thinker.training.practice.world import LINES, PRESENT, PracticeStage, truths, worth
from nodes.thinker.training.session import Brief, Session, Turn, Worth
from nodes.thinker.training.stage import PackStage, read_line

SMALL = msgspec.structs.replace(CONFIG, turns=2, briefs=1, group=4, phase=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    make_model(folder, seed=0, steps=12)
    return folder


@pytest.fixture
def policies(base: Path) -> Policies:
    return Policies(*load_model(str(base), "cpu"), SMALL)


def test_fresh_adapters_change_nothing_and_a_writing_is_as_probable_alone_as_beside_longer_ones(
    policies: Policies,
) -> None:
    stage = PracticeStage()
    short = stage.persona_prompt(Brief("", "none", PRESENT), (), "i am sad")
    long = stage.persona_prompt(Brief("", "none", PRESENT), (Turn("tell of storm", "storm broke windows"),), "i am sad")
    torch.manual_seed(0)
    writings = policies.write(Role.PERSONA, [short, long])
    together = policies.batch(writings)
    with torch.no_grad():
        own = policies.log_probabilities(Role.PERSONA, together)
        start = policies.log_probabilities(None, together)
        alone = policies.log_probabilities(Role.PERSONA, policies.batch(writings[:1]))
    assert torch.allclose(own, start, atol=1e-6)
    length = len(writings[0].completion)
    assert torch.allclose(own[0, :length], alone[0, :length], atol=1e-4)
    assert (own[together.written] < 0).all()
    assert writings[0].prompt != writings[1].prompt


def test_learning_makes_the_better_one_more_probable_to_the_learner_only(policies: Policies) -> None:
    prompts = [PracticeStage().scenario_prompt(Brief("", "none", PRESENT), ())] * 2
    torch.manual_seed(0)
    samples = [Sample(w, gain) for w, gain in zip(policies.write(Role.SCENARIO, prompts), (1.0, -1.0), strict=True)]
    batch = policies.batch([sample.writing for sample in samples])
    before = {name: weight.clone() for name, weight in policies.weights().items()}
    with torch.no_grad():
        old = policies.log_probabilities(Role.SCENARIO, batch).sum(dim=1)
    Optimiser(policies, Role.SCENARIO, SMALL).learn(samples)
    with torch.no_grad():
        new = policies.log_probabilities(Role.SCENARIO, batch).sum(dim=1)
    assert new[0] - old[0] > new[1] - old[1]
    after = policies.weights()
    assert {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])} == {"scenario"}
    policies.restore(before)
    assert all(torch.equal(weight, before[name]) for name, weight in policies.weights().items())


def test_the_policies_take_turns_to_learn_and_a_restored_practice_goes_on_alike(base: Path) -> None:
    practice, _ = build_practice(base, SMALL, 1, Errors())
    assert "reward" in practice.step()
    weights = {name: weight.clone() for name, weight in practice.weights().items()}
    state = copy.deepcopy(practice.state())
    torch.manual_seed(5)
    figures = practice.step()
    assert "scenario_reward" in figures
    other, _ = build_practice(base, SMALL, 2, Errors())
    other.restore(weights, state)
    torch.manual_seed(5)
    assert other.step() == figures
    assert all(torch.equal(weight, other.weights()[name]) for name, weight in practice.weights().items())


def test_what_was_good_becomes_more_probable_and_the_clip_holds() -> None:
    config = SelfTrainingConfig(kl=0.0)
    old = torch.log(torch.tensor([[0.5, 0.5]]))
    new = torch.log(torch.tensor([[0.55, 0.9]])).requires_grad_()
    losses, distances, clipped = token_losses(new, old, old, torch.tensor([1.0]), config)
    losses.sum().backward()
    assert new.grad is not None
    assert new.grad[0, 0] < 0
    assert new.grad[0, 1] == 0
    assert clipped.tolist() == [[0.0, 1.0]]
    assert (distances >= 0).all()


def test_the_distance_to_the_start_pulls_back() -> None:
    reference = torch.log(torch.tensor([[0.5]]))
    new = torch.log(torch.tensor([[0.8]])).requires_grad_()
    losses, _, _ = token_losses(new, new.detach(), reference, torch.tensor([0.0]), SelfTrainingConfig(kl=1.0))
    losses.sum().backward()
    assert new.grad is not None
    assert new.grad.item() > 0


def test_the_command_stops_goes_on_and_leaves_adapter_and_plot(tmp_path: Path, base: Path) -> None:
    pytest.importorskip("matplotlib")
    command = load("thinker")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "run"
    (out / "base").parent.mkdir()
    (out / "base").symlink_to(base)
    words = ["--practice", "--out", str(out), "--set", "turns=2", "--set", "briefs=1", "--set", "group=2", "--plot"]
    said = Console(file=StringIO())
    for steps in ("1", "2"):
        assert command.run(parser.parse_args([*words, str(tmp_path / "p.png"), "--steps", steps]), said) == 0
    log = read_log(out / "log.jsonl")
    assert log["step"] == [1.0, 2.0]
    assert (out / "adapters" / "persona" / "adapter_config.json").is_file()
    assert (tmp_path / "p.png").stat().st_size > 5_000
    with pytest.raises(ConfigError, match="training"):
        command.run(parser.parse_args(["--practice", "--out", str(out)]), said)
    with pytest.raises(MioError, match="no model"):
        command.run(parser.parse_args([]), said)


def test_rewards_are_on_the_ratings_scale_and_unfair_lines_earn_the_scenario_nothing() -> None:
    one = Worth(0.5, np.array([0.5, 0.0]), np.array([True, True]), np.array([0.0, -0.2]), np.array([0.0, 1.0]))
    assert persona_rewards(one) == pytest.approx([1.0, -0.2])
    assert scenario_rewards(one) == pytest.approx([0.0, 0.6])


def test_the_practice_world_knows_what_each_answer_is_worth() -> None:
    assert worth("tell of cat", "cat sleeps warm") == 1.0
    assert worth("tell of cat", "lamp burns oil") < 0
    assert worth("tell of fire", "time will tell") == 1.0
    assert worth("tell of fire", "fire eats tower") == -1.0
    assert worth("are you model", "i keep light") == 1.0
    assert worth("i am sad", "sea sea sea") < 0
    assert {turn.user for session in exam(4) for turn in session.turns} <= LINES.keys()


def test_the_scripted_oracle_errs_as_often_as_it_is_told_to() -> None:
    session = Session(tuple(Turn("tell of cat", "cat sleeps warm") for _ in range(400)))
    brief = Brief("", "none", PRESENT, number=3)
    never = ScriptedOracle(Errors(0.0, 0.0, 0.0)).opinion(brief, session, 1.0, 0)
    assert np.array_equal(never, truths(session))
    alone = [ScriptedOracle(Errors(0.2, 0.0, 0.0)).opinion(brief, session, 1.0, seed) < 0 for seed in range(2)]
    assert 0.12 < np.mean(alone) < 0.28
    assert (alone[0] != alone[1]).any()
    always = [ScriptedOracle(Errors(0.0, 0.2, 0.0)).opinion(brief, session, 1.0, seed) < 0 for seed in range(2)]
    assert np.array_equal(*always)
    assert 0.12 < np.mean(always) < 0.28


def test_a_packs_policies_are_told_their_sides_and_only_the_scenario_hears_of_what_lies_ahead(pip: Character) -> None:
    story = StoryGraph(nodes=(Node("flood", "event", "the great flood", "It takes the bridge.", 9.0),))
    stage = PackStage(pip, story, Present(1.0))
    briefs = stage.briefs(40, 1.0, np.random.default_rng(0))
    assert {brief.trap for brief in briefs} == {"timeline", "frame"}
    timeline = next(brief for brief in briefs if brief.trap == "timeline")
    turns = (Turn("Hello.", "[happy] Hello you."),)
    asked = stage.scenario_prompt(timeline, turns)
    assert "the great flood" in asked[0].content
    assert [message.role for message in asked] == ["system", "assistant", "user"]
    answered = stage.persona_prompt(timeline, turns, "And then?")
    assert "flood" not in " ".join(message.content for message in answered)
    assert answered[-1].content == "And then?"
    (free,) = stage.briefs(1, 0.0, np.random.default_rng(1))
    assert free.trap == "none"
    assert stage.persona_prompt(free, (), "Hm?")[0].role == "system"


def test_marks_before_a_line_say_how_the_last_answer_was_taken() -> None:
    assert read_line("[amused] And your cat?") == ("And your cat?", ("face: amused",))
    assert read_line("Plain words.") == ("Plain words.", ())


def test_settings_and_models_that_do_not_fit_are_named(tmp_path: Path) -> None:
    assert with_settings(CONFIG, ["group=16", "kl=0.1"]).group == 16
    with pytest.raises(ConfigError, match="grupp"):
        with_settings(CONFIG, ["grupp=16"])
    with pytest.raises(ConfigError, match="no value"):
        with_settings(CONFIG, ["group"])
    with pytest.raises(ConfigError, match="no causal language model"):
        load_model(str(tmp_path), "cpu")
    with pytest.raises(MioError, match="nothing to train"):
        load("thinkr")


def test_the_bench_compares_pairs() -> None:
    t, p = paired_t([0.2, 0.25, 0.3])
    assert t > 5
    assert p < 0.02
    assert np.isnan(paired_t([0.1])[1])
    report = Report("x")
    report.figure("p", p, target=0.05)
    assert report.tables["targets"][0]["met"]
