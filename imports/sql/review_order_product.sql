-- Makes the index by which the row of a product that was changed or deleted is found in a review.
-- Identifiers: review; order, the name of the index.
-- Returns: nothing.
-- Invariant: no change makes all rows be looked at, as in review_moved.sql.
CREATE INDEX {order} ON {review} (product_id) WHERE product_id IS NOT NULL
