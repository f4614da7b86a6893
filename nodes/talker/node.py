"""The talker as a node of a dataflow."""

from mio.runtime import serve  # first: it limits the threads of what follows
from nodes.talker.config import TalkerConfig
from nodes.talker.engine import build_engine


def main() -> None:
    """Run the node."""
    serve("nodes.talker", TalkerConfig, build_engine)


if __name__ == "__main__":
    main()
