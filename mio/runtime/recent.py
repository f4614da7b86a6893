"""Durations of the recent past in memory that does not grow."""

import numpy as np

_KEPT = 4_096


class RecentTimes:
    """The last few thousand durations.

    Attributes:
        count: How many have been noted in all.
    """

    def __init__(self) -> None:
        self.count = 0
        self._values = np.full(_KEPT, 0, np.int64)

    def note(self, duration_ns: int) -> None:
        """Keep one."""
        self._values[self.count % _KEPT] = duration_ns
        self.count += 1

    def percentiles_ms(self, newest: int = _KEPT) -> dict[str, float]:
        """p50, p95, p99 and the largest; empty if there are none.

        Args:
            newest: How many of the newest ones count.
        """
        held = min(self.count, newest, _KEPT)
        if not held:
            return {}
        places = np.arange(self.count - held, self.count) % _KEPT
        ordered = np.sort(self._values[places])
        shares = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        return {name: round(float(ordered[round(share * (held - 1))]) / 1e6, 3) for name, share in shares}
