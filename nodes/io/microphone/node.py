"""The microphone as a dora node."""

from mio.runtime import serve
from nodes.io.microphone.config import MicrophoneConfig
from nodes.io.microphone.engine import build_engine


def main() -> None:
    """Run the node."""
    serve("nodes.io.microphone", MicrophoneConfig, build_engine)


if __name__ == "__main__":
    main()
