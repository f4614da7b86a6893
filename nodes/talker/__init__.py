"""The talker: turns clauses into speech, streamed, with phone and word times."""
