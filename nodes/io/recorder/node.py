"""The recorder as a dora node."""

from mio.runtime import serve
from nodes.io.recorder.config import RecorderConfig
from nodes.io.recorder.engine import build_engine


def main() -> None:
    """Run the node."""
    serve("nodes.io.recorder", RecorderConfig, build_engine)


if __name__ == "__main__":
    main()
