"""The camera as a dora node."""

from mio.runtime import serve


def main() -> None:
    """Run the node until its dataflow ends."""
    serve("nodes.io.camera")


if __name__ == "__main__":
    main()
