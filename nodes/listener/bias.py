"""A taste for the character's words: what its example questions say is more probable to be asked."""

from nodes.listener.tokens import SPACE, Vocabulary
from nodes.listener.utterance import words

_START = "<s>"
_END = "</s>"

State = tuple[str, str, str]
"""The last two words, and the letters of the word that is being written."""


class WordBias:
    """Adds to the log-probability of words that follow one or two others as they do in the example questions.

    It only rewards, so sentences of other kinds compete as before among themselves.

    Attributes:
        start: The state before the first token.
    """

    start: State = (_START, _START, "")

    def __init__(self, questions: list[str], vocabulary: Vocabulary, weight: float) -> None:
        """Learn the example questions.

        Args:
            questions: As people ask them.
            vocabulary: Pieces that the recogniser writes.
            weight: Added for each known pair of words, and once more for each known triple.
        """
        self._vocabulary = vocabulary
        self._weight = weight
        self._pairs: set[tuple[str, str]] = set()
        self._triples: set[tuple[str, str, str]] = set()
        for question in questions:
            sentence = [_START, _START, *words(question), _END]
            self._pairs.update(zip(sentence, sentence[1:], strict=False))
            self._triples.update(zip(sentence, sentence[1:], sentence[2:], strict=False))

    def advance(self, state: State, token: int) -> tuple[State, float]:
        """State after a token, and what it adds."""
        first, second, letters = state
        piece = self._vocabulary.pieces[token].decode("utf-8", "ignore").replace(SPACE, "")
        if not self._vocabulary.begins_word[token]:
            return (first, second, letters + piece), 0.0
        word = _word(letters)
        if not word:
            return (first, second, piece), 0.0
        return (second, word, piece), self._bonus(first, second, word)

    def finish(self, state: State) -> float:
        """What the end of the sentence adds."""
        first, second, letters = state
        word = _word(letters)
        if not word:
            return self._bonus(first, second, _END)
        return self._bonus(first, second, word) + self._bonus(second, word, _END)

    def _bonus(self, first: str, second: str, word: str) -> float:
        known = ((second, word) in self._pairs) + ((first, second, word) in self._triples)
        return self._weight * known


def _word(letters: str) -> str:
    return "".join(words(letters))
