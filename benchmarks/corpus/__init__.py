"""Files as suppliers and shops send them, made up from a seed, and the truth about each."""
