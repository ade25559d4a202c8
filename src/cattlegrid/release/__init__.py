"""What makes a release: targets, digests, changes, deploys, smoke, promotion."""
