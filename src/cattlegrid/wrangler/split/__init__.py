"""One environment becomes two: what staging's configuration is, what the file then says, and the proof of it."""
