-- Moved anchors in memory, keyed by the low 64 bits of the anchor:
-- dictGetOrDefault('moved', 'person', toUInt64(anchor), anchor) is the person of any fact.
-- The loader has it read again after each block of moves; its own timer is for servers that the loader does not reach.
CREATE DICTIONARY IF NOT EXISTS moved {{.OnCluster}}
(
    anchor64 UInt64,
    person   UInt128
)
PRIMARY KEY anchor64
SOURCE(CLICKHOUSE(QUERY 'SELECT toUInt64(anchor) AS anchor64, argMax(person, version) AS person FROM {{.Database}}.identities WHERE thread = 0 GROUP BY anchor' ))
LAYOUT(HASHED_ARRAY())
LIFETIME(MIN 30 MAX 60);
