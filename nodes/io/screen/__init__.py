"""The screen: the avatar in a window with captions, the state of the turn, buttons and a line to type into."""
