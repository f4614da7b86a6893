"""What can stand in the story files of a character pack: ``story.yml`` and the files of the folder ``story/``.

Times are written as :class:`~nodes.thinker.construction.story_time.Calendar` says.
"""

from typing import Literal

import msgspec

from nodes.thinker.construction.story_time import When
from nodes.thinker.memory.graph import Salience, Source


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A character, a place or an object.

    Attributes:
        id: Unique name, by which the rest of the story refers to it.
        name: What it is called.
        text: What there is to know of it.
        aliases: What else it is called.
        since: From when on it is known; left out, it always has been.
        until: When it ceases to be.
        known_by: Ids of the characters who know of it; left out, everybody does.
        salience: How much it matters, 0..1.
        source: Where it was taken from.
    """

    id: str
    name: str
    text: str = ""
    aliases: list[str] = []
    since: When = None
    until: When = None
    known_by: list[str] = []
    salience: Salience = 0.5
    source: Source = Source()


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"who": "with"}):
    """Something that happens.

    Attributes:
        id: Unique name.
        at: When it happens.
        text: What happens, in sentences that can be said.
        name: What it is called.
        who: Ids of those who take part (key ``with``).
        where: Id of the place.
        causes: Ids of the events that come of it.
        told: When it becomes known, if that is later than it happens.
        until: When it is over; left out, at once.
        known_by: Ids of the characters who know of it; left out, everybody does.
        salience: How much it matters, 0..1.
        source: Where it was taken from.
    """

    id: str
    at: When
    text: str
    name: str = ""
    who: list[str] = []
    where: str = ""
    causes: list[str] = []
    told: When = None
    until: When = None
    known_by: list[str] = []
    salience: Salience = 0.5
    source: Source = Source()


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact, a trait or a state of a relation: what is so for a time.

    Attributes:
        id: Unique name.
        text: What is so.
        about: Ids of what it is about: one for a trait, those whose relation it is for a state.
        name: What it is called.
        since: From when on it is so; left out, it always has been.
        until: When it ceases to be so. What it changes into is another one, from then on.
        known_by: Ids of the characters who know of it; left out, everybody does.
        salience: How much it matters, 0..1.
        source: Where it was taken from.
    """

    id: str
    text: str
    about: list[str] = []
    name: str = ""
    since: When = None
    until: When = None
    known_by: list[str] = []
    salience: Salience = 0.5
    source: Source = Source()


class Relation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"src": "from", "dst": "to"}):
    """How one thing is related to another for a time.

    Attributes:
        src: Id of the one (key ``from``).
        rel: The relation, such as ``knows``, ``owns``, ``at``.
        dst: Id of the other (key ``to``).
        text: The relation in a sentence.
        since: From when on it is so; left out, since both are there.
        until: When it ends.
        known_by: Ids of the characters who know of it; left out, everybody does.
        salience: How much it matters, 0..1.
        source: Where it was taken from.
    """

    src: str
    rel: str
    dst: str
    text: str = ""
    since: When = None
    until: When = None
    known_by: list[str] = []
    salience: Salience = 0.5
    source: Source = Source()


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of the source's own words.

    Attributes:
        id: Unique name.
        at: When it has been told to its end.
        text: The words.
        nodes: Ids of what was taken from it.
        known_by: Ids of the characters who know of it; left out, everybody does.
        source: Where it stands.
    """

    id: str
    at: When
    text: str
    nodes: list[str] = []
    known_by: list[str] = []
    source: Source = Source()


class StoryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One story file.

    Attributes:
        time: What its times are, the same in all files that say it.
        present: The narrative present: what is later lies ahead. Only in ``story.yml``.
        teller: Id of the character who lives and tells it; left out, a narrator does, who knows all that has happened.
            Only in ``story.yml``.
        characters: Who takes part.
        places: Where it happens.
        objects: What matters in it.
        events: What happens.
        facts: What is so.
        traits: What a character is like.
        states: How it stands between characters.
        relations: How things are related.
        passages: The source's words.
    """

    time: Literal["dates", "chapters"] | None = None
    present: When = None
    teller: str = ""
    characters: list[Thing] = []
    places: list[Thing] = []
    objects: list[Thing] = []
    events: list[Event] = []
    facts: list[Condition] = []
    traits: list[Condition] = []
    states: list[Condition] = []
    relations: list[Relation] = []
    passages: list[Words] = []
