"""How much effort goes into a picture, fixed or chosen from how long pictures take."""

from dataclasses import dataclass

from nodes.renderer.config import Quality

_SLOW_S, _FAST_S = 0.030, 0.014  # of the 33 ms that a picture may take
_PATIENCE = 45  # pictures that must be slow, or fast, before the tier changes
_SMOOTHING = 0.15
_COSTLY_S = 0.020  # CPU time per picture that leaves too little of two cores to the other nodes


@dataclass(frozen=True)
class Tier:
    """A level of effort.

    Attributes:
        name: Its name.
        fine: Whether the fine mesh is drawn.
        sparing: Whether only those triangles are drawn that low effort needs.
        per_pixel: Whether light is worked out per pixel.
        samples: Samples per pixel; 0 for none.
        smooth: Whether silhouettes are smoothed afterwards.
        scale: Size at which is drawn, as a share of the picture's.
    """

    name: str
    fine: bool
    sparing: bool
    per_pixel: bool
    samples: int
    smooth: bool
    scale: float


LOW = Tier("low", fine=False, sparing=True, per_pixel=False, samples=0, smooth=True, scale=2 / 3)
MEDIUM = Tier("medium", fine=False, sparing=False, per_pixel=False, samples=0, smooth=True, scale=1.0)
HIGH = Tier("high", fine=True, sparing=False, per_pixel=True, samples=4, smooth=False, scale=1.0)


class Governor:
    """Picks the tier. With ``auto`` in software it goes down when pictures are slow for long, and up again."""

    def __init__(self, quality: Quality, *, software: bool) -> None:
        fixed = {"low": LOW, "medium": MEDIUM, "high": HIGH}
        self.tier = fixed.get(quality) or (MEDIUM if software else HIGH)
        self._adapts = quality == "auto" and software
        self._mean_s = 0.0
        self._in_a_row = 0

    def weigh(self, cost_s: float) -> bool:
        """Hear what a picture costs before the first one is due; whether the tier changes.

        Args:
            cost_s: CPU time of all threads.
        """
        if not (self._adapts and self.tier is MEDIUM and cost_s > _COSTLY_S):
            return False
        self.tier = LOW
        return True

    def took(self, duration_s: float) -> bool:
        """Hear how long a picture took; whether the tier changes.

        Args:
            duration_s: Time from one tick to the next in which it was drawn.
        """
        if not self._adapts:
            return False
        self._mean_s += _SMOOTHING * (duration_s - self._mean_s) if self._mean_s else duration_s
        down, up = self._mean_s > _SLOW_S and self.tier is MEDIUM, self._mean_s < _FAST_S and self.tier is LOW
        self._in_a_row = self._in_a_row + 1 if down or up else 0
        if self._in_a_row < _PATIENCE:
            return False
        self.tier, self._in_a_row, self._mean_s = (LOW if down else MEDIUM), 0, 0.0
        return True
