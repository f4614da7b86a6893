import numpy as np

from nodes.listener.beam import Beam, Choices, Limits, NoBias, beam_search, begun, rank

END = 0


class Grammar:
    """A network that knows the probabilities of the next token after every sequence."""

    def __init__(self, following: dict[tuple[int, ...], list[float]], size: int) -> None:
        self.following = following
        self.size = size
        self.sequences: list[tuple[int, ...]] = [()]

    def row(self, sequence: tuple[int, ...]) -> np.ndarray:
        probabilities = self.following.get(sequence, [1.0] + [0.0] * (self.size - 1))
        return np.log(np.array(probabilities, np.float32) + 1e-9)

    def choices(self) -> Choices:
        rows = np.stack([self.row(sequence) for sequence in self.sequences])
        order = np.argsort(-rows, axis=1)
        return Choices(order, np.take_along_axis(rows, order, axis=1))

    def advance(self, rows: list[int], tokens: list[int]) -> Choices:
        self.sequences = [(*self.sequences[row], token) for row, token in zip(rows, tokens, strict=True)]
        return self.choices()


GRAMMAR = {
    (): [0.0, 0.6, 0.4],
    (1,): [0.1, 0.5, 0.4],
    (1, 1): [0.4, 0.3, 0.3],
    (2,): [0.0, 0.0, 1.0],
}


def search(width: int, bias=None, longest: int = 6, grammar=GRAMMAR, start=(), **limits) -> list[Beam]:
    bound = Limits(width, longest, END, **{"margin": 50.0, **limits})
    network = Grammar(grammar, 3)
    network.sequences = [tuple(start)]
    known = [float(network.row(tuple(start[:n]))[token]) for n, token in enumerate(start)]
    beam = begun(start, known, bound, bias or NoBias())
    work = beam_search(network, network.choices(), beam, bound, bias or NoBias())
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def test_one_beam_follows_the_best_token():
    assert search(1)[0].tokens[:2] == (1, 1)


def test_more_beams_find_what_begins_worse_and_ends_better():
    assert search(3)[0].tokens == (2, 2)


def test_results_are_ordered_and_different():
    beams = search(3)
    assert [rank(beam) for beam in beams] == sorted((rank(beam) for beam in beams), reverse=True)
    assert len({beam.tokens for beam in beams}) == len(beams) == 3


def test_the_probability_of_a_result_is_that_of_its_tokens_and_end():
    best = search(3)[0]
    assert np.isclose(np.exp(best.log_probability), 0.4, atol=1e-3)
    assert len(best.log_probabilities) == 3


class Taste:
    start = ("", "", "")

    def advance(self, state, token):
        return (state[1], state[2], str(token)), 2.0 if token == 1 else 0.0

    def finish(self, state):
        return 0.0


def test_a_bias_changes_the_winner_but_not_its_probability():
    best = search(3, Taste())[0]
    assert best.tokens[0] == 1
    assert best.bonus == 2.0 * len([token for token in best.tokens if token == 1])
    assert best.log_probability < -1.0


def test_a_sequence_without_end_stops_at_the_longest_length():
    endless = {(1,) * n: [0.0, 1.0, 0.0] for n in range(20)}
    beams = search(2, longest=5, grammar=endless)
    assert beams
    assert all(len(beam.tokens) <= 5 for beam in beams)


def test_a_search_goes_on_from_what_is_certain():
    beams = search(3, start=(1, 1))
    assert {beam.tokens[:2] for beam in beams} == {(1, 1)}
    shortest = min(beams, key=lambda beam: len(beam.tokens))
    assert np.isclose(np.exp(shortest.log_probability), 0.6 * 0.5 * 0.4, atol=1e-3)


def test_of_readings_that_differ_only_in_marks_the_best_is_kept():
    beams = search(3, ignored=frozenset({2}))
    essences = [tuple(token for token in beam.tokens if token != 2) for beam in beams]
    assert len(set(essences)) == len(essences) > 1


def test_hopeless_readings_are_not_followed():
    near = {(): [0.0, 0.98, 0.02], (1,): [0.98, 0.01, 0.01]}
    assert len(search(3, grammar=near, margin=2.0)) == 1
    assert len(search(3, grammar=near, margin=50.0)) == 3


def test_a_search_ends_when_enough_is_finished_that_nothing_open_beats():
    sure, torn = [0.8, 0.1, 0.1], [0.3, 0.4, 0.3]
    likely = {(): [0.0, 0.6, 0.4], (1,): sure, (1, 1): sure, (1, 2): sure, (2,): torn, (2, 1): sure, (2, 2): sure}
    few, many = (search(3, grammar=likely, enough=enough) for enough in (1, 3))
    assert few[0].tokens == many[0].tokens == (1,)
    assert (2, 1) in {beam.tokens for beam in many}
    assert (2, 1) not in {beam.tokens for beam in few}
