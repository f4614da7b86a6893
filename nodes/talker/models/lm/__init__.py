"""The language model of the voice: from phones to the codec's codes."""
