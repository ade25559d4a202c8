"""The demo: the whole story in eight scenes, offline."""
