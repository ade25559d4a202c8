"""Deploying what changed: the plan as data, and the small loop that runs it."""
