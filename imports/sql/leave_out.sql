-- Takes the lines out of a comparison that a review said no to.
-- Identifiers: compared, judged.
-- Returns: nothing.
-- Invariant: an earlier line of the same SKU does not take the place of one that is left out.
DELETE FROM {compared} AS compared
USING {judged} AS judged
WHERE NOT compared.superseded AND judged.key = lower(compared.sku) COLLATE "C"
