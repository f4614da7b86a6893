"""Where a story comes from: the files of a character pack, or a text that is read chapter by chapter."""
