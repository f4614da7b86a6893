"""The camera: pictures of the user, from a camera or from files paced in real time."""
