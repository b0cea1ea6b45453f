-- Makes the index by which the changed rows of a review are listed that change one field.
-- Identifiers: review; field and old, two columns; order, the name of the index.
-- Returns: nothing.
-- Invariant: its condition is word for word that of review_matching.sql.
CREATE INDEX {order} ON {review} (risky DESC, line)
WHERE kind = 'changed' AND {field} IS DISTINCT FROM {old}
