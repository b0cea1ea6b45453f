-- Of some staged rows, how many would be created and how many updated: to foresee how long a merge
-- takes.
-- Identifiers: table. Parameters: every, of how many lines one is looked at; at_most.
-- Returns: rows looked at, new ones, different ones.
-- Invariant: a guess; nothing is decided by it.
SELECT count(*),
       count(*) FILTER (WHERE product.id IS NULL),
       count(*) FILTER (
           WHERE product.name <> staged.name
              OR product.description <> staged.description
              OR staged.price <> product.price
              OR (staged.price IS NOT NULL AND product.price IS NULL AND product.id IS NOT NULL)
              OR product.active <> staged.active
       )
FROM (SELECT * FROM {table} WHERE line %% %(every)s = 1 LIMIT %(at_most)s) AS staged
LEFT JOIN catalog_product AS product ON lower(product.sku) = staged.key COLLATE "default"
