from mio.character import Topic
from nodes.thinker.clauses import Clause
from nodes.thinker.context import read_in_context
from nodes.thinker.dialogue import Turn

DOG = Topic(name="your dog Rex", offer="my dog", pronouns=["he", "him", "it"])
LAST = Turn(1, "How old is your dog?", question="how old is your dog", topic="dog", clauses=[Clause("Rex is three.")])


def best(text: str, last: Turn | None = LAST, topic: Topic | None = DOG) -> str:
    return max(read_in_context([text], last, topic), key=lambda reading: reading.weight).text


def test_a_pronoun_stands_for_the_topic_of_the_last_answer():
    assert best("Where is he?") == "where is your dog rex"
    assert best("What does he eat?") == "what does your dog rex eat"


def test_a_contracted_pronoun_keeps_its_ending():
    assert best("He's nice, isn't he?").startswith("your dog rex's nice")


def test_without_a_last_answer_nothing_is_resolved():
    assert best("Where is he?", last=None, topic=None) == "where is he"


def test_a_pronoun_that_the_topic_does_not_have_is_left_alone():
    assert best("Where is she?") == "where is she"


def test_what_is_left_out_is_taken_from_the_last_question():
    assert best("And you?") == "how old is you"
    assert best("What about your cat?") == "how old is your cat"


def test_where_the_last_question_does_not_name_the_topic_the_rest_is_read_alone():
    last = Turn(1, "x", question="who snores so loudly", topic="dog", clauses=[Clause("Rex.")])
    assert best("And your cat?", last=last) == "your cat"


def test_the_plain_reading_always_stays_possible():
    readings = {reading.text: reading.weight for reading in read_in_context(["Where is he?"], LAST, DOG)}
    assert 0 < readings["where is he"] < readings["where is your dog rex"]


def test_worse_hypotheses_weigh_less_and_equal_ones_count_once():
    readings = read_in_context(["The boat.", "the boat", "The goat!", "A coat."], None, None)
    assert [reading.text for reading in readings] == ["the boat", "the goat", "a coat"]
    assert readings[0].weight > readings[1].weight > readings[2].weight


def test_hypotheses_without_words_are_left_out():
    assert read_in_context(["", " ... ", "?"], LAST, DOG) == []
