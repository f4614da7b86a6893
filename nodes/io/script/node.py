"""The script as a dora node."""

from mio.runtime import serve


def main() -> None:
    """Run the node."""
    serve("nodes.io.script")


if __name__ == "__main__":
    main()
