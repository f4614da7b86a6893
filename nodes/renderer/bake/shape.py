"""The person's rest shape: macro details (age, build, origin) and single features, as weights of morph targets."""

import itertools
from collections.abc import Iterator

import msgspec

from mio.errors import MioError, did_you_mean
from nodes.renderer.bake.base_mesh import Floats, data_folder, read_base_mesh, read_target
from nodes.renderer.config import BodyLook

Weights = dict[str, float]

_AGE_YOUNG = 25.0  # MakeHuman's "young" target shows a person of 25, "old" one of 90
_AGE_OLD = 90.0
_ALL_NAMES = "all names: nodes.renderer.bake.shape.feature_names()"


def rest_shape(look: BodyLook) -> Floats:
    """Vertices of the base mesh in the shape of a person.

    Returns:
        ``[V, 3]`` m, in the rig's bind pose.

    Raises:
        MioError: If a feature is unknown.
    """
    vertices = read_base_mesh().vertices.copy()
    for target, weight in (*_macro_targets(look), *_feature_targets(look.features)):
        if weight:
            vertices += weight * read_target(target)
    return vertices


def feature_names() -> list[str]:
    """Features that ``look.body.features`` takes, such as ``nose-scale-horiz``: those with two opposite targets."""
    return sorted(_features())


def check_features(look: BodyLook) -> None:
    """See whether all features of a look are known.

    Raises:
        MioError: If one is not.
    """
    list(_feature_targets(look.features))


def _macro_targets(look: BodyLook) -> Iterator[tuple[str, float]]:
    """Weights are products of the shares of each property, as in MakeHuman and anny."""
    ages = _shares(look.age, ("young", _AGE_YOUNG), ("old", _AGE_OLD))
    genders = {"female": look.femininity, "male": 1 - look.femininity}
    muscles = _shares(look.muscle, ("minmuscle", 0.0), ("averagemuscle", 0.5), ("maxmuscle", 1.0))
    weights = _shares(look.weight, ("minweight", 0.0), ("averageweight", 0.5), ("maxweight", 1.0))
    origin = msgspec.to_builtins(look.origin)
    total = sum(origin.values()) or 1.0
    for (gender, a), (age, b) in itertools.product(genders.items(), ages.items()):
        for race, share in origin.items():
            yield f"macrodetails/{race}-{gender}-{age}", a * b * share / total
        for (muscle, c), (weight, d) in itertools.product(muscles.items(), weights.items()):
            share, build = a * b * c * d, f"{gender}-{age}-{muscle}-{weight}"
            yield f"macrodetails/universal-{build}", share
            yield from _scaled(f"macrodetails/height/{build}", ("minheight", "maxheight"), look.height, share)
            proportions = ("uncommonproportions", "idealproportions")
            yield from _scaled(f"macrodetails/proportions/{build}", proportions, look.proportions, share)
            if gender == "female":
                yield from _bust(f"breast/{build}", look, share)


def _bust(stem: str, look: BodyLook, share: float) -> Iterator[tuple[str, float]]:
    cups = _shares(look.bust, ("mincup", 0.0), ("averagecup", 0.5), ("maxcup", 1.0))
    firmness = _shares(look.firmness, ("minfirmness", 0.0), ("averagefirmness", 0.5), ("maxfirmness", 1.0))
    for (cup, a), (firm, b) in itertools.product(cups.items(), firmness.items()):
        if (cup, firm) != ("averagecup", "averagefirmness"):  # the average is part of the universal target
            yield f"{stem}-{cup}-{firm}", share * a * b


def _scaled(stem: str, names: tuple[str, str], value: float, share: float) -> Iterator[tuple[str, float]]:
    """Two opposite targets around an average of 0.5 that has none."""
    low, high = names
    yield f"{stem}-{low}", share * max(0.0, 1 - 2 * value)
    yield f"{stem}-{high}", share * max(0.0, 2 * value - 1)


def _shares(value: float, *anchors: tuple[str, float]) -> Weights:
    """Shares of the two anchors around a value, summing to 1."""
    if value <= anchors[0][1]:
        return {anchors[0][0]: 1.0}
    for (low, x0), (high, x1) in itertools.pairwise(anchors):
        if value <= x1:
            t = (value - x0) / (x1 - x0)
            return {low: 1 - t, high: t}
    return {anchors[-1][0]: 1.0}


def _features() -> dict[str, tuple[str, str]]:
    """Negative and positive target of each feature, from the names of the target files."""
    folder = data_folder() / "mpfb2" / "targets"
    names = {path.name.removesuffix(".target.gz"): path.parent.name for path in folder.glob("*/*.target.gz")}
    found: dict[str, tuple[str, str]] = {}
    for low, high in _OPPOSITES:
        for name, parent in names.items():
            stem = name.removesuffix(f"-{low}")
            if stem != name and f"{stem}-{high}" in names:
                found[stem] = (f"{parent}/{name}", f"{parent}/{stem}-{high}")
    for name, parent in names.items():
        if name.startswith("head-") and name not in found and not any(name in pair for pair in found.values()):
            found.setdefault(name, (f"{parent}/{name}", f"{parent}/{name}"))
    return found


_OPPOSITES = (
    ("decr", "incr"),
    ("down", "up"),
    ("in", "out"),
    ("backward", "forward"),
    ("concave", "convex"),
    ("compress", "uncompress"),
)


def _feature_targets(features: dict[str, float]) -> Iterator[tuple[str, float]]:
    known = _features()
    for name, value in features.items():
        sides = [name] if name in known else [f"l-{name}", f"r-{name}"]
        for side in sides:
            if side not in known:
                raise MioError(f"look.body.features: unknown feature '{name}'", did_you_mean(name, known, _ALL_NAMES))
            yield known[side][int(value > 0)], abs(value)
