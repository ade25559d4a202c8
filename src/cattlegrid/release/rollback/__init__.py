"""Going back to the last release that was verified in production, and staying there."""
