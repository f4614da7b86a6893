"""How well the character is played: scenes judged in seven dimensions by any model, critique before score.

The configured thinker (section ``thinker``: ``story`` or a language model) plays each scene through its real engine.
The judge is any OpenAI-compatible endpoint. Scores of different judges, scenes or characters cannot be compared.
"""

import argparse
import math
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean, stdev

import msgspec

from mio.bench._character_judge import DIMENSIONS, Complete, JudgeError, Judgement, Scene, endpoint, judge
from mio.bench.report import Report
from mio.character import Character
from mio.config import load_config
from mio.contracts.engine import Engine
from mio.contracts.messages import Message, MotionPrompt, Reply, Tick, Transcript
from mio.errors import MioError
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.engine import build_engine, build_storyteller, gather
from nodes.thinker.persona import Persona
from nodes.thinker.prompt import told
from nodes.thinker.storyteller import Heard, Storyteller

DURATION = "about 20 s for each scene, with a fast judge"

_SCENES = Path(__file__).parent / "data" / "character.yml"
_PAPER_MEAN = 4.221  # of Mio on CharacterBox's own scenes, arXiv 2512.13674, with gpt-4o-mini as the judge
_ANSWER_S = 90.0
_TICK_S = 0.02
_KNOWN = 3  # entries of the pack, per line, that the judge sees


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scene to be played.

    Attributes:
        id: Its name.
        setting: Where, and what happens.
        visitor: Who comes.
        lines: What the visitor says.
    """

    id: str
    setting: str
    visitor: str
    lines: list[str]


class Scripts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All scenes of a file."""

    scenes: list[Script]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--judge-url", help="base address of the judge's endpoint")
    parser.add_argument("--judge-model", default="gpt-4o-mini", help="its model (gpt-4o-mini)")
    parser.add_argument("--judge-key-env", default="OPENAI_API_KEY", help="variable with its key (OPENAI_API_KEY)")
    parser.add_argument("--scenes", type=Path, default=_SCENES, help="other scenes")
    parser.add_argument("--character", type=Path, help="another character pack; needs scenes of its own")
    parser.add_argument("--improvise", action="store_true", help="the judge's model speaks the visitor after line one")


def run(args: argparse.Namespace, report: Report) -> None:
    """Play and judge."""
    if not args.judge_url:
        raise MioError("a judge is needed", "give its address: mio bench character --judge-url URL --judge-model NAME")
    complete = endpoint(args.judge_url, args.judge_model, os.environ.get(args.judge_key_env, ""))
    config = load_config("thinker", ThinkerConfig)
    if args.character:
        config = msgspec.structs.replace(config, character=args.character)
    material = gather(config)
    character, storyteller = material.character, build_storyteller(config, material)
    judged: list[Judgement] = []
    scripts = _read_scripts(args.scenes)
    improvise = complete if args.improvise else None
    for script, (lines, dialogue) in zip(scripts, _play_all(scripts, build_engine(config), improvise), strict=True):
        scene = Scene(_sheet(character, storyteller, lines), f"{script.setting} {script.visitor}", dialogue)
        try:
            judgement = judge(scene, complete)
        except JudgeError as error:
            report.note(f"scene '{script.id}' was not judged: {error}")
            continue
        judged.append(judgement)
        report.row("scores, 1 to 5", scene=script.id, **judgement.scores, mean=round(_mean(judgement), 2))
        report.row("critiques", scene=script.id, played=dialogue, critique=judgement.critique)
    _sum_up(report, judged, len(scripts))
    report.note(f"engine {config.engine}, judge {args.judge_model}; Mio in its paper: {_PAPER_MEAN}, on other scenes")


def _read_scripts(path: Path) -> list[Script]:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Scripts).scenes
    except (OSError, msgspec.MsgspecError) as error:
        raise MioError(f"{path}: {error}", "write it like mio/bench/data/character.yml") from error


def _sum_up(report: Report, judged: list[Judgement], asked: int) -> None:
    report.figure("judged_scenes_share", len(judged) / max(1, asked), target=1.0, at_least=True)
    if not judged:
        raise MioError("the judge gave no valid scores for any scene", "use a larger model as the judge")
    for name in DIMENSIONS:
        report.figure(f"{name}_of_5", mean(judgement.scores[name] for judgement in judged))
    means = [_mean(judgement) for judgement in judged]
    report.figure("mean_of_5", mean(means))
    if len(means) > 1:
        report.figure("mean_standard_error", stdev(means) / math.sqrt(len(means)))


def _mean(judgement: Judgement) -> float:
    return mean(judgement.scores.values())


def _play_all(scripts: list[Script], engine: Engine, improvise: Complete | None) -> Iterator[tuple[list[str], str]]:
    """Play scenes, each as the first conversation; what the visitor said, and the whole dialogue with marks."""
    fresh = engine.export_state()
    engine.open()
    try:
        for script in scripts:
            engine.import_state(fresh)
            yield _play(script, engine, improvise)
    finally:
        engine.close()


def _play(script: Script, engine: Engine, improvise: Complete | None) -> tuple[list[str], str]:
    said: list[str] = []
    dialogue: list[str] = []
    for number, line in enumerate(script.lines, 1):
        if improvise is not None and dialogue:
            line = _improvised(script, dialogue, improvise) or line
        said.append(line)
        dialogue += [f"Visitor: {line}", f"Character: {_answer(engine, line, number)}"]
    return said, "\n".join(dialogue)


def _improvised(script: Script, dialogue: list[str], complete: Complete) -> str:
    """What the visitor says next, in the judge's model's words."""
    task = (
        f"Play the visitor in this scene. {script.setting} The visitor: {script.visitor} Say the visitor's next line: "
        "one or two spoken sentences, nothing else."
    )
    words = complete([{"role": "system", "content": task}, {"role": "user", "content": "\n".join(dialogue)}], None)
    return " ".join(words.removeprefix("Visitor:").split())


def _answer(engine: Engine, line: str, number: int) -> str:
    """The answer with its marks, as the nodes behind the thinker get it."""
    heard = Transcript(text=line, segment_id=number, source="text")
    messages = _messages(engine, "transcript", heard)
    deadline_s = time.monotonic() + _ANSWER_S
    while not any(isinstance(message, Reply) and message.fin for message in messages):
        if time.monotonic() > deadline_s:
            raise MioError(f"no answer to {line!r} in {_ANSWER_S:g} s", "see the thinker's log")
        time.sleep(_TICK_S)
        messages += _messages(engine, "tick", Tick(mono_ns=time.monotonic_ns()))
    return " ".join(_marked(messages))


def _messages(engine: Engine, port: str, message: Message) -> list[Message]:
    return [output[1] for output in engine.step(port, message) if output is not None]


def _marked(messages: Iterable[Message]) -> Iterable[str]:
    emotion = ""
    for message in messages:
        if isinstance(message, MotionPrompt):
            yield f"<{message.gesture}>"
        elif isinstance(message, Reply) and message.text:
            if message.emotion != emotion:
                emotion = message.emotion
                yield f"[{emotion}]"
            yield message.text


def _sheet(character: Character, storyteller: Storyteller, lines: list[str]) -> str:
    """Who the character is, and what it knows about what it was asked."""
    persona = character.section("persona", Persona)
    entries = [
        entry
        for line in lines
        for entry, _ in storyteller.understand(Heard(line), Dialogue()).candidates[:_KNOWN]
        if entry.answers
    ]
    known = dict.fromkeys(told(entry) for entry in entries)
    parts = [f"{persona.name}. {persona.about}", "Manner:", *persona.manner, "Rules:", *persona.rules]
    return "\n".join([*parts, "Knows, among other things:", *known])
