"""The development runner: embedded PostgreSQL and Valkey, `make run`, `make test`.

A development requirement: the product never imports it.
"""
