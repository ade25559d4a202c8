"""Smoke: what is live, examined from outside and read back, with three outcomes."""
