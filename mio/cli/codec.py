"""``mio codec encode SOUND`` and ``mio codec decode FILE.kdm``."""

import argparse
from pathlib import Path

from mio.audio import read_audio, write_wav
from mio.contracts.rates import SPEECH_HZ
from mio.errors import MioError, Needing
from mio.paths import share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("what", choices=("encode", "decode"), help="sound to .kdm, or .kdm to sound")
    parser.add_argument("input", type=Path, help="encode: any sound file; decode: a .kdm file")
    parser.add_argument("-o", "--output", type=Path, help="file to write; the input's name with .kdm or .wav")
    parser.add_argument("--weights", type=Path, default=share("weights", "voice-codec"), help="folder of the codec")
    parser.add_argument("--teacher", type=Path, help="encode: folder of w2v-BERT 2.0, if the codec hears with it")


def run(args: argparse.Namespace) -> int:
    """Encode or decode one file."""
    with Needing("the codec", "kodama"):
        import torch
    torch.set_num_threads(1)
    encoding = args.what == "encode"
    output = args.output or args.input.with_suffix(".kdm" if encoding else ".wav")
    print(_encode(args.input, output, args) if encoding else _decode(args.input, output, args.weights))
    return 0


def _encode(sound: Path, output: Path, args: argparse.Namespace) -> str:
    from nodes.talker.kdm import FRAME_BYTES, Recording, write_kdm
    from nodes.talker.models.codec.codec import encoded, fingerprint, read_codec

    samples = read_audio(sound, SPEECH_HZ)
    codes = encoded(read_codec(args.weights, args.teacher), samples)
    write_kdm(output, Recording(codes, len(samples), fingerprint(args.weights)))
    return f"{output}: {len(samples) / SPEECH_HZ:.2f} s, {len(codes) * FRAME_BYTES} bytes of codes"


def _decode(file: Path, output: Path, weights: Path) -> str:
    from nodes.talker.kdm import read_kdm
    from nodes.talker.models.codec.codec import decoded, fingerprint, read_codec

    recording = read_kdm(file)
    if recording.codec != fingerprint(weights):
        raise MioError(f"{file}: was written by another codec", "name its folder with --weights")
    sound = decoded(read_codec(weights), recording.codes)
    write_wav(output, sound[: recording.samples], SPEECH_HZ)
    return f"{output}: {recording.samples / SPEECH_HZ:.2f} s"
