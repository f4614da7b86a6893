"""Which speller there is."""

from collections.abc import Callable
from typing import Literal

from mio.errors import MioError
from nodes.talker.text.pronunciation import Speller

SpellerName = Literal["auto", "espeak", "lexicon"]


def build_speller(name: SpellerName = "auto") -> Speller:
    """Build a speller; ``auto`` is espeak-ng, which sees whole sentences, or word lists where it is not installed.

    Raises:
        MioError: If what it needs is missing.
    """
    from nodes.talker.text.espeak_speller import EspeakSpeller
    from nodes.talker.text.lexicon_speller import LexiconSpeller

    builders: dict[SpellerName, Callable[[], Speller]] = {"espeak": EspeakSpeller.shared, "lexicon": LexiconSpeller}
    if name != "auto":
        return builders[name]()
    for build in builders.values():
        try:
            return build()
        except MioError:
            continue
    remedy = "pip install 'mio[espeak]' (GPL-3.0) or 'mio[lexicon]' (MIT, LGPL-2.1)"
    raise MioError("nothing is installed that spells words out", remedy)
