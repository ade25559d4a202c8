"""GitHub: the workflow, as text, and what its API says about the environment that guards production."""
