"""Rules about a fleet's files: what they name, where they disagree, who calls wrangler. No wrangler is started."""
