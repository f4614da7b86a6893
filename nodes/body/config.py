"""Configuration of the body node."""

from typing import Annotated, Literal

import msgspec

PostureChoice = Literal["auto", "hanging", "clasped"]


class BodyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section ``body`` of the configuration file.

    Attributes:
        engine: ``idle``: procedural motion, no download.
        seed: Of everything that is drawn; the same seed and inputs give the same motion.
        lead_s: How far ahead of stage time frames are sent.
        reaction_s: Frames sooner than this after now are not changed any more: the way to the screen takes that long.
        posture: Where the arms rest: ``hanging``, ``clasped`` in front of the belly, or ``auto``, which changes.
        breaths_per_min: Mean rate of quiet breathing.
        beats_per_min: Beats of the hands per minute of speech, about; 0 for none.
        liveliness: Factor on small motion, 1 is usual.
    """

    engine: Literal["idle"] = "idle"
    seed: int = 1
    lead_s: Annotated[float, msgspec.Meta(ge=0.1, le=2.0)] = 0.4
    reaction_s: Annotated[float, msgspec.Meta(ge=0.0, le=0.5)] = 0.1
    posture: PostureChoice = "auto"
    breaths_per_min: Annotated[float, msgspec.Meta(ge=4.0, le=40.0)] = 14.0
    beats_per_min: Annotated[float, msgspec.Meta(ge=0.0, le=80.0)] = 30.0
    liveliness: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 1.0
