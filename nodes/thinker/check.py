"""Checks a character pack: what would not be said, be said badly, or be confused. Pure; knows no command line."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mio.character import Character, Entry, Knowledge, KnowledgeFile, read_character
from mio.contracts.emotions import EMOTIONS, GESTURES
from mio.errors import did_you_mean
from mio.sentences.encoder import Vectors
from mio.yaml_source import YamlSource, read_yaml
from nodes.thinker.clauses import ClauseCutter
from nodes.thinker.persona import Persona
from nodes.thinker.problem import Problem, problem_at
from nodes.thinker.words import plain

LONGEST_ANSWER_WORDS = 70  # about 25 seconds of speech
LONGEST_CLAUSE_WORDS = 26
FEWEST_QUESTIONS = 4
_ALIKE = 0.97  # cosine of two questions that mean the same; paraphrases within an entry stay below
_HARD_TO_SAY = re.compile(r"\d|[()/&%#@\\]|\b(?:e\.g|i\.e|etc|approx)\b", re.IGNORECASE)
_OFFER = "{offer}"
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_GENERAL = ("not_understood", "off_topic", "ahead", "unsure", "fillers")


Embed = Callable[[list[str]], Vectors]
"""Makes vectors of texts, ``[n, D]`` of unit length."""


class _Question(NamedTuple):
    text: str
    entry: Entry
    path: Path
    line: int


def check_character(folder: Path, embed: Embed | None = None) -> list[Problem]:
    """Find what is wrong with a character pack.

    Args:
        folder: The pack.
        embed: Finds questions of different entries that mean the same; left out, only equal ones are found.

    Raises:
        ConfigError: If the pack cannot be read at all.
    """
    character = read_character(folder)
    character.section("persona", Persona)
    knowledge = character.knowledge()
    sources = {file.path: read_yaml(file.path) for file in character.knowledge_files()}
    problems: list[Problem] = []
    questions: list[_Question] = []
    for file in character.knowledge_files():
        source = sources[file.path]
        problems += _check_general(file, source)
        for number, entry in enumerate(file.knowledge.entries):
            problems += _check_entry(entry, f"entries.{number}", knowledge, source)
            questions += _questions(entry, f"entries.{number}", source)
    problems += _check_fallbacks(knowledge, folder / "knowledge.yml")
    problems += _check_equal(questions)
    problems += _check_demo(character, knowledge, questions)
    if embed is not None:
        problems += _check_alike(questions, embed)
    return sorted(problems, key=lambda problem: (problem.path, problem.line))


def _check_general(file: KnowledgeFile, source: YamlSource) -> Iterator[Problem]:
    for name in _GENERAL:
        for number, text in enumerate(getattr(file.knowledge, name)):
            yield from check_text(text, f"{name}.{number}", source)
    for key, topic in file.knowledge.topics.items():
        if _HARD_TO_SAY.search(topic.offer):
            yield problem_at(
                source, f"topics.{key}.offer", "the offer is hard to say aloud", "write it as it is spoken"
            )


def _check_fallbacks(knowledge: Knowledge, path: Path) -> Iterator[Problem]:
    for name in ("not_understood", "off_topic"):
        if len(getattr(knowledge, name)) < 2:
            yield Problem(path, 1, f"'{name}' has fewer than two texts", "write some, or the same is said every time")


def _check_entry(entry: Entry, key: str, knowledge: Knowledge, source: YamlSource) -> Iterator[Problem]:
    if entry.topic and entry.topic not in knowledge.topics:
        known = did_you_mean(entry.topic, knowledge.topics, "add it under 'topics:'")
        yield problem_at(source, f"{key}.topic", f"entry '{entry.id}': unknown topic '{entry.topic}'", known)
    entries = {other.id for other in knowledge.entries}
    if entry.invites and entry.invites not in entries:
        remedy = did_you_mean(entry.invites, entries, "name an entry")
        yield problem_at(source, f"{key}.invites", f"entry '{entry.id}': unknown entry '{entry.invites}'", remedy)
    if len(entry.questions) < FEWEST_QUESTIONS:
        text = f"entry '{entry.id}' has {len(entry.questions)} questions"
        yield problem_at(source, f"{key}.questions", text, f"write at least {FEWEST_QUESTIONS}, in different words")
    for where, text in entry.texts():
        yield from check_text(text, f"{key}.{where}", source)


def check_text(text: str, key: str, source: YamlSource) -> Iterator[Problem]:
    """What is wrong with something that the character says: marks, placeholders, and whether it can be said.

    Args:
        text: With its marks.
        key: Where it stands in the file.
        source: The file.
    """
    cutter = ClauseCutter()
    clauses = cutter.feed(text) + cutter.finish()
    for mark in cutter.unknown:
        remedy = did_you_mean(mark.strip("[]<> 0123456789."), (*EMOTIONS, *GESTURES))
        yield problem_at(source, key, f"unknown mark {mark}", remedy)
    for placeholder in set(_PLACEHOLDER.findall(text)) - {_OFFER}:
        yield problem_at(source, key, f"unknown placeholder {placeholder}", f"only {_OFFER} is known")
    if not clauses:
        yield problem_at(source, key, "the text says nothing", "write something to say")
    spoken = " ".join(clause.text for clause in clauses)
    if hard := _HARD_TO_SAY.search(spoken.replace(_OFFER, "")):
        yield problem_at(source, key, f"'{hard.group()}' is hard to say aloud", "write it as it is spoken")
    if len(spoken.split()) > LONGEST_ANSWER_WORDS:
        text = f"{len(spoken.split())} words are too long to listen to"
        yield problem_at(source, key, text, f"say it in {LONGEST_ANSWER_WORDS}, and the rest under 'more:'")
    for clause in clauses:
        if len(clause.text.split()) > LONGEST_CLAUSE_WORDS:
            start = " ".join(clause.text.split()[:5])
            yield problem_at(source, key, f"the sentence '{start} ...' is too long to say", "cut it in two")


def _check_equal(questions: Iterable[_Question]) -> Iterator[Problem]:
    seen: dict[str, _Question] = {}
    for question in questions:
        words = plain(question.text)
        if not words:
            yield Problem(question.path, question.line, "the question has no words", "write one, or remove it")
        elif words in seen:
            other = seen[words]
            where = f"entry '{other.entry.id}' (line {other.line})"
            text = f"'{question.text}' is also in {where}"
            yield Problem(question.path, question.line, text, "keep it in one place")
        seen.setdefault(words, question)


def _check_alike(questions: list[_Question], embed: Embed) -> Iterator[Problem]:
    vectors = embed([plain(question.text) for question in questions])
    alike = np.argwhere(np.triu(vectors @ vectors.T, 1) >= _ALIKE)
    for one, other in alike.tolist():
        first, second = questions[one], questions[other]
        if first.entry.id != second.entry.id and plain(first.text) != plain(second.text):
            text = f"'{second.text}' means the same as '{first.text}' in entry '{first.entry.id}'"
            yield Problem(second.path, second.line, text, "keep one of them")


def _check_demo(character: Character, knowledge: Knowledge, questions: Iterable[_Question]) -> Iterator[Problem]:
    path = character.folder / "demo.yml"
    demo = character.demo_questions()
    if not demo:
        return
    source = read_yaml(path)
    examples = {plain(question.text): question.entry.id for question in questions}
    entries = {entry.id for entry in knowledge.entries}
    uses: defaultdict[str, int] = defaultdict(int)
    for number, question in enumerate(demo):
        key = f"questions.{number}"
        uses[plain(question.question)] += 1
        if question.entry not in entries:
            yield problem_at(source, key, f"unknown entry '{question.entry}'", did_you_mean(question.entry, entries))
        if plain(question.question) in examples:
            text = f"'{question.question}' is an example of '{examples[plain(question.question)]}'"
            yield problem_at(source, key, text, "ask it in other words")
        if uses[plain(question.question)] > 1:
            yield problem_at(source, key, f"'{question.question}' is there twice", "remove one of them")


def _questions(entry: Entry, key: str, source: YamlSource) -> list[_Question]:
    return [
        _Question(text, entry, source.path, source.line(f"{key}.questions.{number}"))
        for number, text in enumerate(entry.questions)
    ]
