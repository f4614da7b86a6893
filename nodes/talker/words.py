"""The words of a written clause, and when each of them is spoken."""

import re
from bisect import bisect_right
from collections.abc import Callable

from mio.contracts.phones import SILENCE
from mio.espeak import Synthesis
from nodes.talker.clause import SpokenWord
from nodes.talker.text.mapped import Mapped

_TOKEN = re.compile(r"\S+")
_FRINGE = "\"'“”„‟‘’‚«»‹›()[]{}<>,;:!?….*_~`—–-#|\\/"


class WrittenWords:
    """What stands between the spaces of a clause, without the punctuation around it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int]] = []
        for match in _TOKEN.finditer(text):
            first = match.end() - len(match[0].lstrip(_FRINGE))
            last = match.start() + len(match[0].rstrip(_FRINGE))
            if first < last:
                self._spans.append((first, last))
        self._firsts = [first for first, _ in self._spans]

    def index(self, position: int) -> int:
        """Number of the word that begins last in front of a place in the text, or at it; -1 if there is none."""
        return bisect_right(self._firsts, position) - 1

    def word(self, index: int, start_s: float, end_s: float) -> SpokenWord:
        """A word by its number, spoken in a span of seconds."""
        first, last = self._spans[index]
        return SpokenWord(self._text[first:last], first, start_s, end_s)

    def spoken(self, synthesis: Synthesis, text: Mapped, begin_s: float) -> list[SpokenWord]:
        """Words that were spoken, in order; a word spoken as several, such as a number, lasts from first to last.

        Args:
            synthesis: What was spoken.
            text: The text that the positions of its words count in.
            begin_s: Start of the synthesis in the clause, seconds.
        """
        starts: list[tuple[int, float]] = []
        for word in synthesis.words:
            index = self.index(text.source(word.text_position))
            if index >= 0 and (not starts or index > starts[-1][0]):
                starts.append((index, word.start_s))
        pauses = [phone.start_s for phone in synthesis.phones if phone.symbol == SILENCE]
        words: list[SpokenWord] = []
        for place, (index, start_s) in enumerate(starts):
            next_s = starts[place + 1][1] if place + 1 < len(starts) else pauses[-1]
            end_s = min((pause_s for pause_s in pauses if start_s < pause_s), default=next_s)
            end_s = max(min(end_s, next_s), start_s)
            words.append(self.word(index, begin_s + start_s, begin_s + end_s))
        return words


class WordTimes:
    """Written words, each with its span as soon as the next one begins."""

    def __init__(self, written: WrittenWords) -> None:
        self._written = written
        self._index, self._start_s = -1, 0.0
        self._paused_s: float | None = None
        self._open = False

    def begin(self, position: int, time_s: float) -> list[SpokenWord]:
        """What is written at a place begins to be spoken; gives the word that has ended with that."""
        index = self._written.index(position)
        if index <= self._index:  # more of the same, such as a number
            self._paused_s = None
            return []
        ended = self.end(time_s)
        self._index, self._start_s, self._open = index, time_s, True
        return ended

    def move(self, moved: Callable[[float], float]) -> None:
        """Times so far become others, in the same order."""
        self._start_s = moved(self._start_s)
        self._paused_s = None if self._paused_s is None else moved(self._paused_s)

    def pause(self, time_s: float) -> None:
        """Nothing is spoken from now on."""
        self._paused_s = time_s if self._paused_s is None else self._paused_s

    def end(self, time_s: float) -> list[SpokenWord]:
        """The word that is open, if there is one, ends where its pause began, or now."""
        if not self._open:
            return []
        end_s = time_s if self._paused_s is None else self._paused_s
        self._open, self._paused_s = False, None
        return [self._written.word(self._index, self._start_s, end_s)]
