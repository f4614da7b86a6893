import msgspec


class AskerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: str
    every_s: float = 0.5
