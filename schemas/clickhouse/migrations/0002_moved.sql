-- Moved anchors in memory, keyed by the low 64 bits of the anchor: dictGetOrDefault('moved', 'person', toUInt64(anchor), anchor)
-- is the person of any fact, unless moved_lately has it.
-- FINAL takes a third of what grouping by anchor takes: the table is sorted by it.
-- The loader has both read again: moved_lately after each block of moves, moved when that has grown. Their own timers are for
-- servers that the loader does not reach.
CREATE DICTIONARY IF NOT EXISTS moved {{.OnCluster}}
(
    anchor64 UInt64,
    person   UInt128
)
PRIMARY KEY anchor64
SOURCE(CLICKHOUSE(QUERY 'SELECT toUInt64(anchor) AS anchor64, person FROM {{.Database}}.identities FINAL WHERE thread = 0'))
LAYOUT(HASHED_ARRAY())
LIFETIME(MIN 30 MAX 60);

-- A loader that was asleep may write an old move again when the later one has already been dropped here: the higher
-- version is in force, wherever it is. The table is asked for it and not the dictionary of the whole: ClickHouse reads a dictionary
-- again, too, that is asked by one that it is told to read again. With many thousands of recent rows nearly every granule of the table has one, and
-- to find the rows first and their other columns then would take two and a half times as long.
CREATE DICTIONARY IF NOT EXISTS moved_lately {{.OnCluster}}
(
    anchor64 UInt64,
    person   UInt128
)
PRIMARY KEY anchor64
SOURCE(CLICKHOUSE(QUERY 'SELECT toUInt64(anchor) AS anchor64, argMax(m.person, m.version) AS person FROM (SELECT anchor, person, version FROM {{.Database}}.identity_recent UNION ALL SELECT anchor, person, version FROM {{.Database}}.identities WHERE thread = 0 AND anchor IN (SELECT anchor FROM {{.Database}}.identity_recent)) AS m GROUP BY anchor SETTINGS optimize_move_to_prewhere = 0'))
LAYOUT(HASHED_ARRAY())
LIFETIME(MIN 5 MAX 10);
