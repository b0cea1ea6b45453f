"""Rejected rows that are imported after all."""
