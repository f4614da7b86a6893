"""The speaker as a dora node."""

from mio.runtime import serve
from nodes.io.speaker.config import SpeakerConfig
from nodes.io.speaker.engine import build_engine


def main() -> None:
    """Run the node."""
    serve("nodes.io.speaker", SpeakerConfig, build_engine)


if __name__ == "__main__":
    main()
