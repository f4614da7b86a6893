"""Units spelled out by espeak-ng, which is free under GPL-3.0 and loaded at run time only."""

from bisect import bisect_left
from itertools import accumulate

from mio.contracts.phones import SILENCE
from mio.espeak import Espeak, Synthesis
from nodes.talker.text.mapped import Mapped
from nodes.talker.text.pronunciation import Pronunciation, Spelled, SpelledWord, last_mark, phones_language, unit_mark
from nodes.talker.text.units import Unit

VOICES = {"en": "en-us", "de": "de"}
"""espeak-ng's voice by language."""

_RATE_WPM = 400  # nothing is listened to: fast is cheap
_WORD_BEFORE_S = 0.012  # a word's event may come this much behind its first phone


class EspeakSpeller:
    """Spells out what espeak-ng would say."""

    def __init__(self, espeak: Espeak) -> None:
        self._espeak = espeak

    @classmethod
    def shared(cls) -> "EspeakSpeller":
        """With the instance of this process.

        Raises:
            MioError: If espeak-ng is missing or does not start.
        """
        return cls(Espeak.shared())

    def spell(self, unit: Unit) -> Pronunciation:
        """See :class:`~nodes.talker.text.pronunciation.Speller`."""
        voice = VOICES[phones_language(unit.language)]
        synthesis = self._espeak.synthesize(unit.text.text, voice, rate_wpm=_RATE_WPM)
        groups = self._espeak.phonemes(unit.text.text, voice)
        return _spelled(synthesis, _word_firsts(synthesis, groups), unit.text, unit.pause)


def _word_firsts(synthesis: Synthesis, groups: list[list[str]]) -> list[int]:
    """Number of the first phone of each word event, pauses not counted.

    Where the phones of the words one by one are those that were spoken, their count says it; else times do.
    """
    spoken = [phone for phone in synthesis.phones if phone.symbol != SILENCE]
    if len(groups) == len(synthesis.words) and [p.symbol for p in spoken] == [s for group in groups for s in group]:
        return [0, *accumulate(len(group) for group in groups)][:-1]
    starts = [phone.start_s + _WORD_BEFORE_S for phone in spoken]
    return [bisect_left(starts, word.start_s) for word in synthesis.words]


def _spelled(synthesis: Synthesis, firsts: list[int], text: Mapped, pause: str) -> Pronunciation:
    positions = dict(zip(reversed(firsts), (w.text_position for w in reversed(synthesis.words)), strict=True))
    phones, words = [Spelled(SILENCE)], list[SpelledWord]()
    number = 0
    for phone in synthesis.phones[:-1]:
        if phone.symbol == SILENCE:
            if phones[-1].symbol == SILENCE:
                continue
            following = next((positions[first] for first in sorted(positions) if first >= number), len(text.text))
            phones.append(Spelled(SILENCE, mark=last_mark(text.text[:following])))
            continue
        if number in positions:
            words.append(SpelledWord(len(phones), text.source(positions[number])))
        phones.append(Spelled(phone.symbol, phone.stress, number in positions))
        number += 1
    phones.append(Spelled(SILENCE, mark=unit_mark(pause)))
    return Pronunciation(phones, words)
