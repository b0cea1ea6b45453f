"""Imports that wait for a person: what they would do, decided about, applied."""
