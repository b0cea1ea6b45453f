-- How many rows of a review there are of each kind, and how many are risky.
-- Identifiers: review.
-- Returns: new, changed, unchanged, skipped, price_moved, emptied, deactivates, and how many change
-- name, description, price, active.
-- Invariant: the kinds are all there are.
SELECT count(*) FILTER (WHERE kind = 'new'),
       count(*) FILTER (WHERE kind = 'changed'),
       count(*) FILTER (WHERE kind = 'unchanged'),
       count(*) FILTER (WHERE kind = 'skipped'),
       count(*) FILTER (WHERE price_moved),
       count(*) FILTER (WHERE emptied),
       count(*) FILTER (WHERE deactivates),
       count(*) FILTER (WHERE kind = 'changed' AND name <> old_name),
       count(*) FILTER (WHERE kind = 'changed' AND description <> old_description),
       count(*) FILTER (WHERE kind = 'changed' AND price IS DISTINCT FROM old_price),
       count(*) FILTER (WHERE kind = 'changed' AND active <> old_active)
FROM {review}
