"""The thinker as a dora node."""

from mio.runtime import serve


def main() -> None:
    """Serve the thinker until its dataflow ends."""
    serve("nodes.thinker")


if __name__ == "__main__":
    main()
