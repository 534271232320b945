-- Moved anchors in memory, keyed by the low 64 bits of the anchor:
-- dictGetOrDefault('moved', 'person', toUInt64(anchor), anchor) is the person of any fact.
-- FINAL takes a third of what grouping by anchor takes: the table is sorted by it.
-- The loader has it read again after each block of moves; its own timer is for servers that the loader does not reach.
CREATE DICTIONARY IF NOT EXISTS moved {{.OnCluster}}
(
    anchor64 UInt64,
    person   UInt128
)
PRIMARY KEY anchor64
SOURCE(CLICKHOUSE(QUERY 'SELECT toUInt64(anchor) AS anchor64, person FROM {{.Database}}.identities FINAL WHERE thread = 0' ))
LAYOUT(HASHED_ARRAY())
LIFETIME(MIN 30 MAX 60);
