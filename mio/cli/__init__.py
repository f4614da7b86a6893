"""The ``mio`` command: one module per subcommand."""
