"""The default store: one file for each environment in SOPS's format, encrypted with age, kept in git."""
