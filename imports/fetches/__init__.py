"""Files that are fetched from an address, once or by a schedule."""
