import msgspec

from nodes.thinker.clauses import Clause
from nodes.thinker.dialogue import Dialogue


def answered(dialogue: Dialogue, segment_id: int, *texts: str) -> None:
    dialogue.begin(segment_id, "a question")
    for text in texts:
        dialogue.say(segment_id, Clause(text))


def test_an_answer_that_was_cut_keeps_only_the_words_that_were_heard():
    dialogue = Dialogue()
    answered(dialogue, 1, "One two three.", "Four five six seven eight nine ten.")
    dialogue.hear(1, 21)
    dialogue.give_up(1)
    assert dialogue.turns[0].heard == "One two three. Four"


def test_an_answer_that_was_not_cut_counts_as_heard_while_it_is_spoken():
    dialogue = Dialogue()
    answered(dialogue, 1, "One two three.")
    dialogue.hear(1, 3)
    assert dialogue.turns[0].heard == "One two three."


def test_giving_up_a_turn_after_its_end_changes_nothing():
    dialogue = Dialogue()
    answered(dialogue, 1, "One two three.")
    dialogue.hear(1, 14)
    dialogue.hear(0, 0)
    dialogue.give_up(1)
    assert dialogue.turns[0].heard == "One two three."


def test_the_clock_may_stop_before_the_interruption_is_known():
    dialogue = Dialogue()
    answered(dialogue, 1, "One two three four five.", "Six seven eight nine ten eleven.")
    dialogue.hear(1, 8)
    dialogue.hear(0, 0)
    dialogue.give_up(1)
    assert dialogue.turns[0].heard == "One two"


def test_older_turns_stay_when_a_newer_one_is_given_up():
    dialogue = Dialogue()
    answered(dialogue, 1, "The first answer.")
    answered(dialogue, 2, "The second answer.")
    dialogue.hear(2, 3)
    dialogue.give_up(2)
    assert [turn.heard for turn in dialogue.turns] == ["The first answer.", "The"]


def test_what_nobody_heard_can_be_told_again():
    dialogue = Dialogue()
    turn = dialogue.begin(1, "a question")
    chosen = dialogue.tell(turn, "boat.answers", 2, choose=0)
    dialogue.say(1, Clause("One two three."))
    dialogue.give_up(1)
    assert dialogue.told("boat.answers") == 0
    assert dialogue.tell(dialogue.begin(2, "again"), "boat.answers", 2, choose=0) == chosen


def test_variants_take_turns_and_the_last_one_is_not_repeated():
    dialogue = Dialogue()
    told = [dialogue.tell(dialogue.begin(n, "again"), "key", 3, choose=n * 7) for n in range(1, 10)]
    assert set(told[:3]) == {0, 1, 2}
    assert all(one != other for one, other in zip(told, told[1:], strict=False))


def test_a_reopened_turn_replaces_its_first_version():
    dialogue = Dialogue()
    answered(dialogue, 1, "Too early.")
    answered(dialogue, 1, "Now.")
    assert [turn.answer for turn in dialogue.turns] == ["Now."]


def test_only_the_last_turns_are_remembered():
    dialogue = Dialogue()
    for number in range(1, 200):
        answered(dialogue, number, "Yes.")
    assert len(dialogue.turns) < 50


def test_the_dialogue_survives_being_handed_over():
    dialogue = Dialogue()
    turn = dialogue.begin(1, "a question")
    dialogue.tell(turn, "boat.answers", 2, choose=1)
    dialogue.say(1, Clause("One two three.", "happy", 0.5, "nod"))
    dialogue.hear(1, 5)
    values = msgspec.json.decode(msgspec.json.encode(dialogue.export()))
    assert Dialogue.restore(values) == dialogue
