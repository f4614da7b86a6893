import msgspec


class RelayConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    engine: str = "a"
    copies: int = 1
    load_s: float = 0.0
    step_s: float = 0.0
