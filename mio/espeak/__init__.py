"""Speech and phones from espeak-ng, in process: an optional package under GPL-3.0, loaded at run time only."""

from mio.espeak.abi import is_installed
from mio.espeak.library import Espeak, Synthesis, Voice, speak
from mio.espeak.timing import PhoneTime, WordTime

__all__ = ["Espeak", "PhoneTime", "Synthesis", "Voice", "WordTime", "is_installed", "speak"]
