-- Makes the index by which the new row of a product that came since is found in a review.
-- Identifiers: review; order, the name of the index.
-- Returns: nothing.
-- Invariant: as in review_order_product.sql.
CREATE INDEX {order} ON {review} (key) WHERE product_id IS NULL
