-- The price of a review that moves the furthest.
-- Identifiers: review.
-- Returns: the price before and after; no row when none moves far.
-- Invariant: to or from nothing is further than any other.
SELECT old_price, price
FROM {review}
WHERE price_moved
ORDER BY CASE
             WHEN least(price, old_price) = 0 THEN 'infinity'
             ELSE greatest(price, old_price) / least(price, old_price)
         END DESC,
         line
LIMIT 1
