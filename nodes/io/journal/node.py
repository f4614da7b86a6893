"""The journal as a dora node."""

from mio.runtime import serve


def main() -> None:
    """Run the node."""
    serve("nodes.io.journal")


if __name__ == "__main__":
    main()
