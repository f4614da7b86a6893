"""Builds a graph out of a text without a language model: every sentence is an event or a fact, linked to who is in it.

Story time is ``chapter - 1 + (sentence + 1) / sentences of the chapter``: whoever has read chapter k to its end stands
at k. Nothing is drawn from later in the text than its own time but numbers (salience) and the choice of entities.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from nodes.thinker.construction.entities import Entity, find_entities, gender_of
from nodes.thinker.construction.lexicon import BEING, STOP_WORDS
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.construction.sentences import Sentence, sentences_of
from nodes.thinker.memory.graph import Edge, Node, Passage, Source, StoryGraph

PASSAGE_WORDS = 80
_NAME_WORDS = 8
_CONSEQUENCE = re.compile(
    r"(?:so|therefore|thus|hence|for this reason|that is why|because of (?:this|that))\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[\"“«].*?[\"”»]|[\"“].*", re.DOTALL)
_PRONOUN = re.compile(r"\b(?:(?P<he>he|him|his)|(?P<she>she|her))\b", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")


class _Told(NamedTuple):
    """A sentence at its place in the story."""

    id: str
    chapter: int
    time: float
    sentence: Sentence

    @property
    def source(self) -> Source:
        return Source(self.chapter, self.sentence.begin, self.sentence.end)


def extract_graph(chapters: Sequence[Chapter]) -> StoryGraph:
    """Read a whole text.

    Args:
        chapters: In order.

    Returns:
        A graph whose times count chapters.
    """
    told = [sentence for chapter in chapters for sentence in _tell(chapter)]
    entities = find_entities([sentence.sentence.text for sentence in told])
    present = _present_in(told, entities)
    things = [_thing(entity, told) for entity in entities]
    saliences = _saliences(told)
    events = [_event(item, bool(present[i]), saliences[i]) for i, item in enumerate(told)]
    edges = [
        *_participation(told, present),
        *_consequences(told),
        *_acquaintances(told, present),
        *_whereabouts(told, present),
        *_later_names(entities, told),
    ]
    return StoryGraph(tuple(things + events), tuple(edges), tuple(_passages(told, present)))


def entity_id(entity: Entity) -> str:
    """Its id in a graph."""
    return entity.key.replace(" ", "_")


def _tell(chapter: Chapter) -> list[_Told]:
    sentences = sentences_of(chapter.text)
    return [
        _Told(
            f"s{chapter.number}_{number + 1}",
            chapter.number,
            chapter.number - 1 + (number + 1) / len(sentences),
            sentence,
        )
        for number, sentence in enumerate(sentences)
    ]


def _present_in(told: Sequence[_Told], entities: Sequence[Entity]) -> list[list[Entity]]:
    """Entities of each sentence; a pronoun stands for who was mentioned last and fits it."""
    present: list[list[Entity]] = [[] for _ in told]
    for entity in entities:
        for index in entity.mentions:
            present[index].append(entity)
    latest: dict[str, Entity] = {}
    for index, sentence in enumerate(told):
        people = [entity for entity in present[index] if entity.type == "character"]
        if not people:
            pronoun = _PRONOUN.search(_QUOTED.sub("", sentence.sentence.text))
            meant = latest.get(str(pronoun.lastgroup)) if pronoun else None
            present[index] += [meant] if meant else []
        for entity in people:
            for pronoun in [gender_of(entity)] if gender_of(entity) else ["he", "she"]:
                latest[pronoun] = entity
    return present


def _thing(entity: Entity, told: Sequence[_Told]) -> Node:
    """What is known of an entity when it is first mentioned."""
    first = told[entity.mentions[0]]
    here = sum(told[index].chapter == first.chapter for index in entity.mentions)
    return Node(
        id=entity_id(entity),
        type=entity.type,
        name=entity.name,
        text=first.sentence.text,
        t_start=first.time,
        source=first.source,
        salience=here / (here + 2.0),
    )


def _event(told: _Told, about_somebody: bool, salience: float) -> Node:
    text = told.sentence.text
    words = text.split()
    name = " ".join(words[:_NAME_WORDS]) + (" ..." if len(words) > _NAME_WORDS else "")
    says_what_is = about_somebody and any(word.lower() in BEING for word in words[:_NAME_WORDS]) and '"' not in text
    return Node(
        id=told.id,
        type="fact" if says_what_is else "event",
        name=name,
        text=text,
        t_start=told.time,
        source=told.source,
        salience=salience,
    )


def _saliences(told: Sequence[_Told]) -> list[float]:
    """How much each sentence says of what its chapter is about, 0..1.

    The mean probability of its content words (SumBasic; Nenkova and Vanderwende, "The impact of frequency on
    summarization", 2005, section 3.1), divided by the chapter's largest.
    """
    words = [[word for word in map(str.lower, _LETTERS.findall(item.sentence.text))] for item in told]
    content = [[word for word in row if word not in STOP_WORDS] for row in words]
    counts: dict[int, Counter[str]] = {}
    for item, row in zip(told, content, strict=True):
        counts.setdefault(item.chapter, Counter()).update(row)
    scores = [
        sum(counts[item.chapter][word] for word in row) / (len(row) + 2.0)
        for item, row in zip(told, content, strict=True)
    ]
    largest: dict[int, float] = {}
    for item, score in zip(told, scores, strict=True):
        largest[item.chapter] = max(largest.get(item.chapter, 0.0), score)
    return [score / (largest[item.chapter] or 1.0) for item, score in zip(told, scores, strict=True)]


def _participation(told: Sequence[_Told], present: Sequence[Sequence[Entity]]) -> list[Edge]:
    edges: list[Edge] = []
    for item, entities in zip(told, present, strict=True):
        for entity in entities:
            if entity.type == "place":
                edges.append(Edge(item.id, entity_id(entity), "at", item.time, source=item.source))
            else:
                edges.append(Edge(entity_id(entity), item.id, "takes_part", item.time, source=item.source))
    return edges


def _consequences(told: Sequence[_Told]) -> list[Edge]:
    """What comes of what, where the text says so."""
    return [
        Edge(before.id, after.id, "causes", after.time, source=after.source)
        for before, after in zip(told, told[1:], strict=False)
        if _CONSEQUENCE.match(after.sentence.text.lstrip("\"'“‘"))
    ]


def _acquaintances(told: Sequence[_Told], present: Sequence[Sequence[Entity]]) -> list[Edge]:
    """Characters who meet in a sentence know each other from then on."""
    met: set[tuple[str, str]] = set()
    edges: list[Edge] = []
    for item, entities in zip(told, present, strict=True):
        people = sorted(entity_id(entity) for entity in entities if entity.type == "character")
        for pair in ((one, other) for i, one in enumerate(people) for other in people[i + 1 :]):
            if pair not in met:
                met.add(pair)
                edges.append(Edge(*pair, "knows", item.time, text=item.sentence.text, source=item.source))
    return edges


def _whereabouts(told: Sequence[_Told], present: Sequence[Sequence[Entity]]) -> list[Edge]:
    """Where each character was last seen, until it is seen elsewhere."""
    seen: dict[str, Edge] = {}
    edges: list[Edge] = []
    for item, entities in zip(told, present, strict=True):
        places = [entity_id(entity) for entity in entities if entity.type == "place"]
        if len(places) != 1:
            continue
        for person in (entity_id(entity) for entity in entities if entity.type == "character"):
            last = seen.get(person)
            if last is None or last.dst != places[0]:
                edges += [_until(last, item.time)] if last else []
                seen[person] = Edge(person, places[0], "at", item.time, text=item.sentence.text, source=item.source)
    return edges + list(seen.values())


def _until(edge: Edge, time: float) -> Edge:
    return Edge(edge.src, edge.dst, edge.rel, edge.t_start, text=edge.text, t_end=time, source=edge.source)


def _later_names(entities: Sequence[Entity], told: Sequence[_Told]) -> list[Edge]:
    """A longer form of a name, from its first mention on."""
    edges: list[Edge] = []
    people = [entity for entity in entities if entity.type == "character"]
    for longer in people:
        parts = set(longer.key.split())
        shorter = [other for other in people if set(other.key.split()) < parts]
        if len(shorter) == 1:
            index = max(longer.mentions[0], shorter[0].mentions[0])
            ends = entity_id(longer), entity_id(shorter[0])
            edges.append(Edge(*ends, "also_called", told[index].time, source=told[index].source))
    return edges


def passages_of(chapters: Sequence[Chapter]) -> list[Passage]:
    """The words of a text in passages of some sentences, timed by their characters; nothing is linked to them."""
    told = [sentence for chapter in chapters for sentence in _tell(chapter)]
    lengths = {chapter.number: len(chapter.text) for chapter in chapters}
    return [
        msgspec.structs.replace(
            passage, nodes=(), t_start=passage.source.chapter - 1 + passage.source.end / lengths[passage.source.chapter]
        )
        for passage in _passages(told, [[] for _ in told])
    ]


def _passages(told: Sequence[_Told], present: Sequence[Sequence[Entity]]) -> list[Passage]:
    """Stretches of some sentences, within a chapter."""
    passages: list[Passage] = []
    begin = 0
    words = 0
    for index, item in enumerate(told):
        words += len(item.sentence.text.split())
        last = index + 1 == len(told) or told[index + 1].chapter != item.chapter
        if words >= PASSAGE_WORDS or last:
            passages.append(_passage(told[begin : index + 1], present[begin : index + 1]))
            begin, words = index + 1, 0
    return passages


def _passage(told: Sequence[_Told], present: Sequence[Sequence[Entity]]) -> Passage:
    first, last = told[0], told[-1]
    entities = dict.fromkeys(entity_id(entity) for row in present for entity in row)
    return Passage(
        id=f"p{first.id[1:]}",
        text=" ".join(item.sentence.text for item in told),
        t_start=last.time,
        source=Source(first.chapter, first.sentence.begin, last.sentence.end),
        nodes=(*(item.id for item in told), *entities),
    )
