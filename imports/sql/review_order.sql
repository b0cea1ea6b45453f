-- Makes the index by which the rows of a review are listed: of one kind, risky ones first, by line.
-- Identifiers: review; order, the name of the index.
-- Returns: nothing.
-- Invariant: no page of 500,000 rows is sorted.
CREATE INDEX {order} ON {review} (kind, risky DESC, line)
