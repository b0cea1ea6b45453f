"""How fast imports are: `make bench`, which runs `python -m benchmarks`.

Every way runs on one PostgreSQL server, one after the other, on tables of its own. Ratios of one
run say something; seconds say little on a machine that is shared.
"""
