"""The file format ``.kdm``: speech as the codec's codes, 10 bytes per 80 ms behind a header of 24 bytes.

Header, little-endian: ``KDM1``, the sample rate (4 bytes), samples of the sound without what fills the last frame (8),
eight bytes that say which codec. Then each frame: eight codes of ten bits, most significant bit first.
"""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import MioError

Codes = npt.NDArray[np.int16]

BOOKS = 8
CODE_BITS = 10
FRAME_BYTES = BOOKS * CODE_BITS // 8

_MAGIC = b"KDM1"
_HEADER = struct.Struct("<4sIQ8s")


class Recording(NamedTuple):
    """Speech as codes.

    Attributes:
        codes: ``[n, 8]``, each below 1024.
        samples: Of the sound at 24 kHz.
        codec: Fingerprint of the codec.
    """

    codes: Codes
    samples: int
    codec: bytes


def pack(codes: Codes) -> bytes:
    """``[n, 8]`` codes as ``10 n`` bytes."""
    bits = (codes[..., None].astype(np.int64) >> np.arange(CODE_BITS - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


def unpack(content: bytes) -> Codes:
    """``[n, 8]`` codes of ``10 n`` bytes."""
    bits = np.unpackbits(np.frombuffer(content, np.uint8)).reshape(-1, BOOKS, CODE_BITS)
    return (bits.astype(np.int64) << np.arange(CODE_BITS - 1, -1, -1)).sum(-1).astype(np.int16)


def write_kdm(path: Path, recording: Recording) -> None:
    """Write a file.

    Raises:
        MioError: If it cannot be written.
    """
    header = _HEADER.pack(_MAGIC, SPEECH_HZ, recording.samples, recording.codec)
    try:
        path.write_bytes(header + pack(recording.codes))
    except OSError as error:
        raise MioError(f"{path}: cannot be written: {error}", "check the folder and the free space") from error


def read_kdm(path: Path) -> Recording:
    """Read a file.

    Raises:
        MioError: If it is missing, or not whole.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MioError(f"{path}: {error}", "give a file that mio codec encode wrote") from error
    if len(content) < _HEADER.size or content[: len(_MAGIC)] != _MAGIC:
        raise MioError(f"{path}: not a .kdm file", "give a file that mio codec encode wrote")
    _, rate, samples, codec = _HEADER.unpack_from(content)
    body = content[_HEADER.size :]
    if rate != SPEECH_HZ or len(body) != -(-samples // SPEECH_FRAME_SAMPLES) * FRAME_BYTES:
        raise MioError(f"{path}: breaks off or is damaged", "encode the sound again")
    return Recording(unpack(body), samples, codec)
