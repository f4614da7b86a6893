"""The screen as a dora node."""

from mio.runtime import serve
from nodes.io.screen.config import ScreenConfig
from nodes.io.screen.engine import build_engine


def main() -> None:
    """Run the node."""
    serve("nodes.io.screen", ScreenConfig, build_engine)


if __name__ == "__main__":
    main()
