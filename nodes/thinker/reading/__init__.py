"""Reading the story's own words: which of them a question is about, and what in them answers it."""
