"""The journal: what happened in a conversation, and what was said."""
