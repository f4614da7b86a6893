import msgspec


class PulseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rate_hz: float = 200.0
