"""The nouns: frozen values that every floor above speaks in. Nothing here reads a file, a clock or a network."""
