"""Uploads in parts by the tus protocol, which go on where they stopped."""
