"""The meaning of sentences: a frozen encoder that a package carries, shared by the nodes that read text."""
