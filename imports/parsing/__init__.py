"""A file's bytes to its records: unpacked, recognised, decoded, cut."""
