"""The listener as a dora node."""

from mio.runtime import serve


def main() -> None:
    """Run the node until its dataflow ends."""
    serve("nodes.listener")


if __name__ == "__main__":
    main()
