"""The listener as a dora node."""

from mio.runtime import serve  # first: it limits the compute threads
from nodes.listener.config import ListenerConfig
from nodes.listener.engine import build_engine


def main() -> None:
    """Serve the listener until its dataflow ends."""
    serve("nodes.listener", ListenerConfig, build_engine)


if __name__ == "__main__":
    main()
