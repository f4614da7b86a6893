"""What ``mio train face`` does: builds the data, trains a stage after another, writes or imports the model's folder."""

import argparse
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from rich.console import Console
from safetensors.torch import save_file

from mio.audio import read_audio
from mio.contracts.rates import FACE_FPS, MICROPHONE_HZ
from mio.errors import MioError
from mio.nn.lora import merge_updates
from mio.nn.weights import write_weights
from mio.training.command import Figures, learn
from mio.training.loop import Plan
from mio.training.run_folder import RunFolder
from mio.training.trainee import read_averaged
from nodes.face.models.codec import MotionCodec
from nodes.face.models.face import STYLES, FaceModel
from nodes.face.models.flame import read_flame
from nodes.face.models.generator import Generator
from nodes.face.models.pretrained import PretrainedEncoder, read_encoder
from nodes.face.models.recording import RecordedFace
from nodes.face.models.sizes import LAPTOP, MIMI_WIDTH, SIZES, Basis, FaceSize
from nodes.face.models.voice import VoiceEncoder
from nodes.face.training.captures import read_set
from nodes.face.training.data_set import Recipe, build, build_from_pairs, read
from nodes.face.training.importing import import_released
from nodes.face.training.stages import (
    AudioTrainee,
    CodecTrainee,
    PriorTrainee,
    StageTrainee,
    StageTraining,
    VoiceReader,
    VoiceTrainee,
    prepare,
    without_voices,
)
from nodes.face.training.styles import styles
from nodes.face.training.surface import surface_of
from nodes.face.training.windows import Windows

STAGES = ("data", "codec", "prior", "voice", "audio", "export", "import", "perform")
_SHIPPED = Path("weights/face-laptop")
_SHOWN = ("loss", "right", "explained", "lips_mm2", "skin_mm2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--stage", choices=STAGES, required=True, help="what to do; in this order")
    parser.add_argument("--data", type=Path, help="folder with face_motion, motion and speech (stages data and export)")
    parser.add_argument("--own", type=Path, help="folder of your own captures, .csv or .json with .wav (stage data)")
    parser.add_argument("--out", type=Path, default=Path("out/train/face"), help="folder of the run")
    unils = "folder of the UniLS-Talk set to build from instead; its faces are said in FLAME's components (stage data)"
    parser.add_argument("--unils", type=Path, metavar="DIR", help=unils)
    flame = "FLAME's licensed files, generic_model.pkl and FLAME_masks.pkl (stages codec and perform)"
    parser.add_argument("--flame", nargs=2, type=Path, metavar=("MODEL", "MASKS"), help=flame)
    parser.add_argument("--size", choices=SIZES, default="laptop", help="of the networks (laptop)")
    parser.add_argument("--steps", type=int, default=1_000, help="steps in total (1000)")
    parser.add_argument("--batch", type=int, default=32, help="chunks per step (32)")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate (0.001)")
    parser.add_argument("--alone", type=float, default=0.3, help="share of faces by themselves, prior and audio (0.3)")
    parser.add_argument("--speaking", type=float, default=0.6, help="share of the others that speak, likewise (0.6)")
    parser.add_argument("--seed", type=int, default=1, help="of everything (1)")
    parser.add_argument("--name", default="", help="folder of the stage in the run, if not its own name")
    parser.add_argument("--without", choices=("prior", "lora", "tracks"), help="ablation of the stage audio")
    parser.add_argument("--weights", type=Path, help="a model: export (weights/face-laptop), import write it")
    parser.add_argument("--sounds", action="store_true", help="stage data: keep the voices' sound, for --encoder")
    encoder = "pretrained wav2vec 2.0 or Mimi as transformers writes it, to hear with (stages audio and perform)"
    parser.add_argument("--encoder", type=Path, metavar="DIR", help=encoder)
    hears = "stage import: what the generator hears (wav2vec2)"
    parser.add_argument("--hears", choices=("wav2vec2", "mimi"), default="wav2vec2", help=hears)
    voices = "stage perform: the face's voice and the other's; writes motion.npz into --out"
    parser.add_argument("--voices", nargs=2, type=Path, metavar=("OWN", "OTHER"), help=voices)
    files = "stage import: codec and generator that the authors of UniLS released; with --size paper"
    parser.add_argument("--released", nargs=2, type=Path, metavar=("CODEC", "GENERATOR"), help=files)


def run(args: argparse.Namespace, console: Console) -> int:
    """Do a stage; the same command goes on where it was stopped."""
    if args.stage == "data" and args.unils is not None:
        build_from_pairs(args.unils, args.out / "data", console.print, sounds=args.sounds)
        return 0
    if args.stage == "data":
        if args.data is None:
            raise MioError("no data to build from", "name the folder with --data DIR")
        build(args.data, args.own, args.out / "data", Recipe(seed=args.seed, sounds=args.sounds), console.print)
        return 0
    if args.stage == "export":
        return _export(args, console)
    if args.stage == "import":
        return _import(args, console)
    if args.stage == "perform":
        return _perform(args, console)
    torch.set_num_threads(1)
    encoder = read_encoder(args.encoder) if args.encoder is not None and args.stage == "audio" else None
    tracks = read(args.out / "data", "train")
    settings = _settings(args, encoder, tracks.basis)
    folder = RunFolder(args.out / (args.name or args.stage), settings)
    trainee = _trainee(args, settings, Windows(tracks, settings.size), encoder)
    learn(trainee, folder, Plan(args.steps, args.seed, save_every_s=30.0), Figures(args.stage, _SHOWN), console)
    return 0


def _settings(args: argparse.Namespace, encoder: PretrainedEncoder | None, basis: Basis) -> StageTraining:
    size = SIZES[args.size] if encoder is None else SIZES[args.size].hearing(encoder.hears, encoder.width)
    size = msgspec.structs.replace(size, basis=basis)
    if args.without == "tracks":
        size = msgspec.structs.replace(size, generator=msgspec.structs.replace(size.generator, shared_audio=True))
    return StageTraining(
        stage=args.stage,
        size=size,
        data=str(args.out / "data"),
        batch=args.batch,
        rate=args.rate,
        steps=args.steps,
        alone=args.alone,
        speaking=args.speaking,
        seed=args.seed,
        pretrained=args.without != "prior",
        low_rank=args.without is None or args.without == "tracks",
    )


def _trainee(
    args: argparse.Namespace, settings: StageTraining, windows: Windows, encoder: PretrainedEncoder | None
) -> StageTrainee:
    match settings.stage:
        case "codec":
            files = args.flame or (None, None)
            return CodecTrainee(settings, windows, surface_of(settings.size.basis, *files))
        case "voice":
            return VoiceTrainee(settings, windows)
        case "prior":
            return PriorTrainee(settings, windows, trained_codec(args.out, settings.size))
        case "audio":
            prior = trained_prior(args.out, settings.size) if settings.pretrained else None
            codec = trained_codec(args.out, settings.size)
            return AudioTrainee(settings, windows, codec, prior, encoder or trained_encoder(args.out, settings.size))


def trained_codec(run: Path, size: FaceSize = LAPTOP) -> MotionCodec:
    """The codec of a run, averaged."""
    codec = MotionCodec(size.codec)
    codec.load_state_dict(_averaged(run / "codec"))
    return codec


def trained_encoder(run: Path, size: FaceSize = LAPTOP) -> VoiceEncoder:
    """The encoder of voices of a run, averaged."""
    reader = VoiceReader(size)
    reader.load_state_dict(_averaged(run / "voice"))
    return reader.encoder


def trained_prior(run: Path, size: FaceSize = LAPTOP) -> Generator:
    """The generator without voices of a run, averaged."""
    prior = Generator(without_voices(size))
    prior.load_state_dict(_averaged(run / "prior"))
    return prior


def trained_face(folder: Path) -> FaceModel:
    """The whole model of a folder of the stage ``audio``, averaged, updates merged."""
    settings, weights = read_averaged(folder, StageTraining)
    model = FaceModel(settings.size)
    prepare(model, settings.rank if settings.low_rank and settings.pretrained else 0)
    model.load_state_dict(weights)
    merge_updates(model)
    return model.eval()


def _averaged(folder: Path) -> dict[str, torch.Tensor]:
    return read_averaged(folder, StageTraining)[1]


def _export(args: argparse.Namespace, console: Console) -> int:
    model = trained_face(args.out / (args.name or "audio"))
    folder = args.weights or _SHIPPED
    if model.size.basis == "flame2020":  # it has no styles, which are captures in the other basis
        write_weights(folder, model.state_dict(), model.size, half=True)
        console.print(f"written: {folder}")
        return 0
    if args.data is None:
        raise MioError("no captures for the styles", "name the data folder with --data DIR")
    write_weights(folder, model.state_dict(), model.size, half=True)
    frames = model.size.codec.frames * model.size.generator.style_chunks
    shown = styles(read_set(args.data / "face_motion"), model.codec, frames)
    save_file({name: bits.half().contiguous() for name, bits in shown.items()}, folder / STYLES)
    console.print(f"written: {folder}")
    return 0


def _import(args: argparse.Namespace, console: Console) -> int:
    if args.released is None or args.weights is None:
        raise MioError(
            "nothing to import", "name both checkpoints and a folder: --released CODEC GENERATOR --weights DIR"
        )
    codec, generator = args.released
    size = SIZES[args.size]
    size = size.hearing(args.hears, MIMI_WIDTH if args.hears == "mimi" else size.generator.audio_width)
    size = msgspec.structs.replace(size, basis="flame2020")
    write_weights(args.weights, import_released(codec, generator, size), size, half=True)
    console.print(f"written: {args.weights}")
    return 0


def _perform(args: argparse.Namespace, console: Console) -> int:
    if None in (args.weights, args.encoder, args.voices):
        raise MioError("nothing to perform", "name --weights DIR, --encoder DIR and --voices OWN OTHER")
    face = RecordedFace(args.weights, read_encoder(args.encoder))
    own, other = (read_audio(path, MICROPHONE_HZ) for path in args.voices)
    frames = face.perform(own, other)
    path = args.out / "motion.npz"
    args.out.mkdir(parents=True, exist_ok=True)
    mesh: dict[str, Any] = {}
    if args.flame is not None and face.basis == "flame2020":
        flame = read_flame(args.flame[0])
        mesh = {"vertices": flame.vertices(frames), "faces": flame.faces}
    np.savez(path, frames=frames, fps=FACE_FPS, basis=face.basis, **mesh)
    console.print(f"written: {path}, {len(frames)} frames of {face.basis}")
    return 0
