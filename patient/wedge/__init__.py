"""What lets faults reach inside the shop without a word about them in the shop's own code."""
