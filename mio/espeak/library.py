"""espeak-ng in this process: one instance, because the library keeps its state in globals."""

import ctypes
import difflib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mio.errors import MioError
from mio.espeak import abi
from mio.espeak.timing import FloatArray, Mark, PhoneTime, WordTime, phone_times, symbols_of
from mio.espeak.variants import VARIANTS, add_variant, linked_data

RATE_WPM = (80, 450)  # espeakRATE_MINIMUM, espeakRATE_MAXIMUM
MAX_CHARS = 20_000
_BUFFER_MS = 100
_SEED = 1


class Voice(NamedTuple):
    """A voice that espeak-ng has.

    Attributes:
        name: Name for people.
        languages: Languages in BCP 47 that it speaks, in lower case, with its rank among their voices, 1 the first.
        identifier: Its file, such as ``gmw/en-US``.
    """

    name: str
    languages: dict[str, int]
    identifier: str


class Synthesis(NamedTuple):
    """Speech.

    Attributes:
        samples: ``[n]`` float32 in -1..1, mono.
        sample_rate: Hz.
        words: Words in order; a word that is spoken as several, such as a number, comes several times.
        phones: Phones in order, the last one ``sil``.
    """

    samples: FloatArray
    sample_rate: int
    words: list[WordTime]
    phones: list[PhoneTime]


class Espeak:
    """The library, initialised. Take the process's one instance from :meth:`shared`; its methods exclude each other.

    Attributes:
        version: Version of espeak-ng.
        sample_rate: Hz of all it synthesises.
    """

    _instance: "Espeak | None" = None
    _lock = threading.RLock()

    @classmethod
    def shared(cls) -> "Espeak":
        """The instance of this process, made at the first call.

        Raises:
            MioError: If espeak-ng is missing or does not start.
        """
        with cls._lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    def __init__(self) -> None:
        files = abi.find_files()
        self._lib = abi.load(files.library)
        data = files.data or self._own_data()
        self._data = linked_data(data, Path.home() / ".cache" / "mio")
        self.sample_rate = self._start(self._data)
        self.version = (self._lib.espeak_Info(None) or b"").decode()
        self._chunks: list[np.ndarray[Any, Any]] = []
        self._events: list[tuple[int, int, int, int, str]] = []
        self._callback = abi.SynthCallback(self._collect)  # kept: the library holds only its address
        self._lib.espeak_SetSynthCallback(self._callback)
        self._voice = ""
        self._voices: list[Voice] = []
        self._files: dict[str, str] = {}

    def _start(self, data: Path | None) -> int:
        """Initialise the library with a data folder, or its own; returns the sample rate."""
        options = abi.PHONE_EVENTS | abi.PHONE_EVENTS_IN_IPA | abi.RETURN_ON_ERROR
        path = str(data).encode() if data else None
        sample_rate: int = self._lib.espeak_Initialize(abi.SYNCHRONOUS, _BUFFER_MS, path, options)
        if sample_rate <= 0:
            raise MioError(f"espeak-ng does not start with its data in {data or 'its own folder'}", abi.REMEDY)
        return sample_rate

    def _own_data(self) -> Path:
        """The data folder that the library finds by itself."""
        self._start(None)
        found = ctypes.c_char_p()
        self._lib.espeak_Info(ctypes.byref(found))
        self._lib.espeak_Terminate()
        return Path((found.value or b"").decode())

    def voices(self) -> list[Voice]:
        """All voices, by language."""
        with self._lock:
            if not self._voices:
                self._voices = list(_read_voices(self._lib.espeak_ListVoices(None)))
            return self._voices

    def voice_for(self, language: str) -> str | None:
        """The language, known to :meth:`synthesize`, that comes next to one in BCP 47: else of any region, or none."""
        wanted = language.lower().replace("_", "-")
        known = self._files_by_name()
        while wanted:
            if wanted in known:
                return wanted
            regional = [name for name in known if name.startswith(f"{wanted}-")]
            if regional:
                return min(regional, key=lambda name: (len(name), name))
            wanted = wanted.rpartition("-")[0]
        return None

    def variants(self) -> list[str]:
        """Names of the variants that can follow a voice's name after ``+``."""
        return sorted(path.name for path in (self._data / VARIANTS).glob("[!.]*"))

    def add_variant(self, path: Path) -> str:
        """Make an own variant file usable, and return the name that it has after ``+`` in a voice's name.

        Raises:
            MioError: If it cannot be read.
        """
        return add_variant(self._data, path)

    def synthesize(
        self,
        text: str,
        voice: str = "en-us",
        *,
        rate_wpm: int = 175,
        pitch: int = 50,
        pitch_range: int = 50,
        volume: int = 100,
        ssml: bool = False,
    ) -> Synthesis:
        """Speak a text. No pause is added at its end.

        Args:
            text: What to say; zero bytes end it nowhere, they are left out.
            voice: Language of a voice, and a variant, such as ``en-us+f2``.
            rate_wpm: Words per minute, nominal, 80 to 450.
            pitch: 0 to 99; 50 is the voice's own, each step 0.24 semitones.
            pitch_range: 0 (monotone) to 99; 50 is the voice's own.
            volume: 0 to 200; 100 is normal. Loud voices clip above.
            ssml: Whether the text is SSML (characters ``<`` and ``&`` escaped); positions count its characters.

        Raises:
            MioError: If there is no such voice or variant, or the text is too long.
        """
        if len(text) > MAX_CHARS:
            raise MioError(f"a text of {len(text)} characters", f"give at most {MAX_CHARS} at once")
        with self._lock:
            self._select(voice)
            rate = min(max(rate_wpm, RATE_WPM[0]), RATE_WPM[1])
            settings = ((abi.RATE, rate), (abi.PITCH, pitch), (abi.PITCH_RANGE, pitch_range), (abi.VOLUME, volume))
            for parameter, value in settings:
                self._lib.espeak_SetParameter(parameter, int(value), 0)
            return self._synthesize(text.replace("\0", ""), abi.UTF8 | (abi.SSML if ssml else 0))

    def phonemes(self, text: str, voice: str = "en-us") -> list[list[str]]:
        """How a text is pronounced: the phones of ``mio.contracts.phones`` of each word.

        Raises:
            MioError: If there is no such voice.
        """
        with self._lock:
            self._select(voice)
            separator = ord("_")
            mode = abi.IPA | separator << 8
            rest = ctypes.c_char_p(text.replace("\0", "").encode())
            words: list[list[str]] = []
            while rest.value:
                spoken = (self._lib.espeak_TextToPhonemes(ctypes.byref(rest), abi.UTF8, mode) or b"").decode()
                for word in spoken.split():
                    words.append([symbol for ipa in word.split("_") for symbol in symbols_of(ipa, voice)[0]])
            return [word for word in words if word]

    def _select(self, voice: str) -> None:
        """Load a voice. It is loaded again each time, because that clears what its filters hold of the last sound."""
        base, plus, variant = voice.partition("+")
        files = self._files_by_name()
        if variant and ("/" in variant or not (self._data / VARIANTS / variant).is_file()):
            raise _unknown("variant", variant, self.variants())
        file = files.get(base.lower())
        if file is None or self._lib.espeak_SetVoiceByName(f"{file}{plus}{variant}".encode()) != 0:
            raise _unknown("voice", base, sorted(files))
        self._voice = voice

    def _files_by_name(self) -> dict[str, str]:
        """Voice files by language and by their own names; of several voices of a language, the first in rank."""
        if not self._files:
            ranked = sorted(
                (rank, language, voice.identifier)
                for voice in self.voices()
                for language, rank in voice.languages.items()
            )
            for _, language, identifier in ranked:
                self._files.setdefault(language, identifier)
            for voice in self.voices():
                self._files.setdefault(voice.identifier.rpartition("/")[2].lower(), voice.identifier)
        return self._files

    def _synthesize(self, text: str, flags: int) -> Synthesis:
        self._chunks.clear()
        self._events.clear()
        seed = getattr(self._lib, "espeak_ng_SetRandSeed", None)
        if seed is not None:  # the same noise for the same text
            seed(ctypes.c_long(_SEED))
        encoded = text.encode("utf-8", errors="replace") + b"\0"
        status = self._lib.espeak_Synth(encoded, len(encoded), 0, 1, 0, flags, None, None)
        if status != 0:
            raise MioError(f"espeak-ng failed with status {status} on {text[:40]!r}", "shorten or change the text")
        samples = np.concatenate([np.zeros(0, np.int16), *self._chunks]).astype(np.float32) / 32768.0
        words = [
            WordTime(max(position - 1, 0), length, sample / self.sample_rate)
            for kind, position, length, sample, _ in self._events
            if kind == abi.EVENT_WORD
        ]
        marks = [Mark(name, sample) for kind, _, _, sample, name in self._events if kind == abi.EVENT_PHONE]
        return Synthesis(samples, self.sample_rate, words, phone_times(marks, samples, self.sample_rate, self._voice))

    def _collect(self, samples: Any, count: int, events: Any) -> int:
        if count > 0 and samples:
            # as_array would make a type for every count that occurs, and ctypes keeps them all
            self._chunks.append(np.frombuffer(ctypes.string_at(samples, 2 * count), np.int16))
        index = 0
        while events[index].type != abi.EVENT_END_OF_LIST:
            event = events[index]
            name = event.phone if event.type == abi.EVENT_PHONE else ""
            self._events.append((event.type, event.text_position, event.length, event.sample, name))
            index += 1
        return 0


def speak(text: str, voice: str = "en-us", *, rate_wpm: int = 175) -> Synthesis:
    """Speak a text with the process's espeak-ng; see :meth:`Espeak.synthesize`.

    Raises:
        MioError: If espeak-ng is missing, or has no such voice.
    """
    return Espeak.shared().synthesize(text, voice, rate_wpm=rate_wpm)


def _read_voices(records: Any) -> Iterator[Voice]:
    index = 0
    while records[index]:
        record = records[index].contents
        name = (record.name or b"").decode("utf-8", errors="replace")
        yield Voice(name, dict(_read_languages(record.languages)), (record.identifier or b"").decode())
        index += 1


def _read_languages(field: Any) -> Iterator[tuple[str, int]]:
    at = 0
    while field[at] != b"\0":  # a priority byte, then the name
        rank = field[at][0]
        at += 1
        name = b""
        while field[at] != b"\0":
            name += field[at]
            at += 1
        at += 1
        yield name.decode("ascii", errors="replace").lower(), rank


def _unknown(what: str, name: str, known: list[str]) -> MioError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    remedy = f"did you mean {', '.join(near)}?" if near else f"one of {', '.join(sorted(set(known))[:12])} ..."
    return MioError(f"espeak-ng has no {what} '{name}'", remedy)
