"""The thinker: understands what the user said and answers in character."""
