"""Trains the body in stages, each of which goes on where it was stopped.

``vae``: the autoencoder of motion. ``latents``: all motion as normalised latents, all captions as tokens. ``flood``:
the denoiser. ``decoder``: the decoder alone, on the very latents that the denoiser learns. ``export``: the averaged
weights of all as a folder that the engine reads. Before them, ``convert`` brings sets of others into the form of ours.
"""

import argparse
from pathlib import Path

import msgspec
import torch
from rich.console import Console

from mio.errors import MioError
from mio.nn.weights import read_weights, write_weights
from mio.sentences.encoder import SentenceEncoder
from mio.training.command import Figures, add_run_arguments, learn
from mio.training.loop import Plan, Trainee
from mio.training.run_folder import RunFolder
from mio.training.settings import with_settings
from mio.training.trainee import read_averaged
from nodes.body.models.causal_vae import CausalVae
from nodes.body.models.checkpoint import Networks, read_networks, write_networks
from nodes.body.models.denoiser import Denoiser
from nodes.body.models.sizes import SIZES, VaeSize
from nodes.body.training.conversion import convert
from nodes.body.training.corpus import read_corpus
from nodes.body.training.flood import FloodTrainee, FloodTraining
from nodes.body.training.importing import import_released
from nodes.body.training.latents import build_latents, compose, read_latents, write_latents
from nodes.body.training.vae import VaeTrainee, VaeTraining

_STAGES = ("convert", "vae", "latents", "flood", "decoder", "export", "import")
_MADE_SEED = 7
_VAE, _NORMAL, _LATENTS, _FLOOD, _DECODER = "vae", "vae-normal", "latents.npz", "flood", "decoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--stage", choices=_STAGES, required=True, help="what to train; in this order")
    parser.add_argument("--data", type=Path, help="folder of the motion set: motion_text.npz and clips.json")
    parser.add_argument("--source", type=Path, help="stage convert: folder of HumanML3D, of AMASS, or of BVH files")
    parser.add_argument("--autoencoder", type=Path, help="stage latents: checkpoint whose autoencoder is used as it is")
    files = "stage import: autoencoder and denoiser that the authors released; with --size paper or tiny"
    parser.add_argument("--released", nargs=2, type=Path, metavar=("VAE", "DENOISER"), help=files)
    add_run_arguments(parser, Path("out/train/body"))
    parser.add_argument("--size", choices=SIZES, default="laptop", help="size of the networks (laptop)")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (1)")
    parser.add_argument("--to", type=Path, default=Path("weights/body-laptop"), help="folder of the stage export")


def run(args: argparse.Namespace, console: Console) -> int:
    """Run one stage; the same command goes on where it was stopped."""
    torch.set_num_threads(args.threads)
    stages = {
        "convert": _convert,
        "vae": _train_vae,
        "latents": _make_latents,
        "flood": _train_flood,
        "decoder": _train_decoder,
        "export": _export,
        "import": _import,
    }
    stages[args.stage](args, console)
    return 0


def _convert(args: argparse.Namespace, console: Console) -> None:
    if args.source is None:
        raise MioError("nothing to convert", "name a folder with --source")
    console.print(f"{convert(args.source, _data(args))} clips: {args.data}")


def _train_vae(args: argparse.Namespace, console: Console) -> None:
    settings = with_settings(VaeTraining(size=SIZES[args.size].vae, data=str(_data(args))), args.set)
    clips = read_corpus(_data(args), args.out / "cache", settings.made_minutes, _MADE_SEED).clips(2)
    _learn(args, console, RunFolder(args.out / _VAE, settings), VaeTrainee(settings, clips, args.device), settings)


def _make_latents(args: argparse.Namespace, console: Console) -> None:
    """Encode the corpus with the averaged autoencoder, and keep that with its latents normalised."""
    if args.autoencoder is None:
        settings, model = _averaged_vae(args.out / _VAE)
    else:
        networks = read_networks(args.autoencoder)
        settings, model = VaeTraining(size=networks.size.vae, data=str(_data(args))), networks.vae
    corpus = read_corpus(_data(args), args.out / "cache", settings.made_minutes, _MADE_SEED)
    longest = SIZES[args.size].denoiser.text_tokens
    latents = build_latents(model, compose(corpus, settings.seed), SentenceEncoder(), longest)
    write_weights(args.out / _NORMAL, model.state_dict(), settings.size)
    write_latents(args.out / _LATENTS, latents)
    console.print(f"{len(latents.sequences)} sequences, {len(latents.tokens)} texts: {args.out / _LATENTS}")


def _train_flood(args: argparse.Namespace, console: Console) -> None:
    settings = with_settings(FloodTraining(size=SIZES[args.size]), args.set)
    latents = read_latents(args.out / _LATENTS)
    trainee = FloodTrainee(settings, latents.sequences, latents.tokens, args.device)
    _learn(args, console, RunFolder(args.out / _FLOOD, settings), trainee, settings)


def _train_decoder(args: argparse.Namespace, console: Console) -> None:
    model, size = _normal_vae(args.out)
    settings = with_settings(VaeTraining(size=size, data=str(_data(args))), args.set)
    clips = read_corpus(_data(args), args.out / "cache", settings.made_minutes, _MADE_SEED).clips(2)
    trainee = VaeTrainee(settings, clips, args.device, going_on=model)
    _learn(args, console, RunFolder(args.out / _DECODER, settings), trainee, settings)


def _learn(
    args: argparse.Namespace,
    console: Console,
    folder: RunFolder,
    trainee: Trainee,
    settings: VaeTraining | FloodTraining,
) -> None:
    plan = Plan(settings.steps, settings.seed, device=args.device)
    learn(trainee, folder, plan, Figures(args.stage, ("loss", "gradient")), console, args.plot)


def _export(args: argparse.Namespace, console: Console) -> None:
    """Write the averaged networks: the decoder of its own stage if there is one."""
    settings, weights = read_averaged(args.out / _FLOOD, FloodTraining)
    vae, vae_size = _normal_vae(args.out)
    if (args.out / _DECODER).is_dir():
        vae.load_state_dict(read_averaged(args.out / _DECODER, VaeTraining)[1])
    denoiser = Denoiser(settings.size.denoiser)
    denoiser.load_state_dict(weights)
    write_networks(args.to, Networks(vae, denoiser, msgspec.structs.replace(settings.size, vae=vae_size)))
    console.print(f"written: {args.to}")


def _import(args: argparse.Namespace, console: Console) -> None:
    if args.released is None:
        raise MioError("nothing to import", "name both checkpoints with --released VAE DENOISER")
    vae, denoiser = args.released
    write_networks(args.to, import_released(vae, denoiser, SIZES[args.size]))
    console.print(f"written: {args.to}")


def _averaged_vae(path: Path) -> tuple[VaeTraining, CausalVae]:
    settings, weights = read_averaged(path, VaeTraining)
    model = CausalVae(settings.size)
    model.load_state_dict(weights)
    return settings, model


def _normal_vae(out: Path) -> tuple[CausalVae, VaeSize]:
    """The autoencoder whose latents are normal; see the stage ``latents``."""
    weights, size = read_weights(out / _NORMAL, VaeSize)
    model = CausalVae(size)
    model.load_state_dict(weights)
    return model, size


def _data(args: argparse.Namespace) -> Path:
    if args.data is None:
        raise MioError(f"the stage {args.stage} needs a motion set", "name its folder with --data")
    return args.data
