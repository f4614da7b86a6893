from pathlib import Path

import msgspec


class TallyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: Path
