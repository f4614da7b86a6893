"""The C interface of libespeak-ng (``speak_lib.h``, API revision 12): constants, structs, where the library is."""

import ctypes
import ctypes.util
import importlib
import os
from pathlib import Path
from typing import Any, NamedTuple

from mio.errors import MioError

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples and events through the callback, within the call
PHONE_EVENTS = 0x0001
PHONE_EVENTS_IN_IPA = 0x0002
RETURN_ON_ERROR = 0x8000

UTF8 = 1
SSML = 0x10
IPA = 0x02

EVENT_END_OF_LIST = 0
EVENT_WORD = 1
EVENT_PHONE = 7

RATE = 1
VOLUME = 2
PITCH = 3
PITCH_RANGE = 4
WORD_GAP = 7

REMEDY = "pip install 'mio[espeak]', or install the system's espeak-ng"


class Event(ctypes.Structure):
    """``espeak_EVENT``: something that happens at a sample of the sound."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters, from 1
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_ubyte * 8),  # a phone's name in UTF-8, without a final zero if it fills the field
    ]

    @property
    def phone(self) -> str:
        """The name as text; a character that was cut at the end of the field is left out."""
        return bytes(self.name).split(b"\0")[0].decode("utf-8", errors="ignore")


class VoiceRecord(ctypes.Structure):
    """``espeak_VOICE``: one entry of the list of voices."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),  # (priority byte, name, zero)*, zero
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


class Files(NamedTuple):
    """Where espeak-ng is: the shared library, and its data folder (None lets the library find its own)."""

    library: str
    data: Path | None


def find_files() -> Files:
    """Find espeak-ng: the package espeakng-loader, else the system's.

    Raises:
        MioError: If there is neither.
    """
    try:
        loader: Any = importlib.import_module("espeakng_loader")
        return Files(loader.get_library_path(), Path(loader.get_data_path()))
    except (ImportError, RuntimeError):
        pass
    library = ctypes.util.find_library("espeak-ng")
    if library is None:
        raise MioError("espeak-ng is not installed", REMEDY)
    return Files(library, None)


def is_installed() -> bool:
    """Whether espeak-ng is there."""
    try:
        find_files()
    except MioError:
        return False
    return True


def load(library: str) -> ctypes.CDLL:
    """Load the library and declare the functions whose types are not plain integers.

    Raises:
        MioError: If it cannot be loaded.
    """
    try:
        lib = ctypes.CDLL(library)
    except OSError as error:
        raise MioError(f"{os.path.basename(library)} cannot be loaded: {error}", REMEDY) from error
    lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(VoiceRecord))
    lib.espeak_Info.restype = ctypes.c_char_p
    lib.espeak_Info.argtypes = [ctypes.POINTER(ctypes.c_char_p)]
    lib.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
    lib.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    return lib
