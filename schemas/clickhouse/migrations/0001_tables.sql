-- Facts. One row per (workspace, id): the loader refuses the second, so that no report needs FINAL over this table.
-- _partition and _offset say which record of topic touchpoints a row came from; the audit counts by them.
-- The window of deduplication holds insert tokens, each counted once per month that a block touches. The other tables
-- have versions and no window: their rows may be written again.
--
-- Small granules and blocks, here and below: a card or a timeline reads some ten rows, and each of them costs what its granule
-- weighs. With 512 rows in blocks of 16 KiB instead of 2,048 in 64 KiB a timeline takes half the time, and an insert no more.
-- And it pays for every part of every month: half an hour after the last row came, a month becomes one part. (A row that comes late makes
-- that be done again, for that month, but not more often; where rows keep coming it is not done at all.)
--
-- Projection by_kind is what reports and cracks read: the rows of their period and of the kinds that they look at, without the words. By its order the
-- days of a period lie together within each kind and who acted, of which there are few; in the table's own order every granule has rows of every day.
-- Time orders the table and is not in its primary key: the store asks the table's 20,000 granules (10 million facts) before it reads the projection, each
-- by itself where a condition is about a column of the key other than the first, which took 8 ms for each read. The rows of one customer are read in order.
--
-- What reports count by has a column of its own; the rest is in the payload, as the log has it. A timeline reads whole touchpoints,
-- and pays for every column of every part that it finds one in: one payload instead of ten columns is a third of the time,
-- and the loader and every merge have less to write. The aliases at the end are for people who query the store.
CREATE TABLE IF NOT EXISTS touchpoints {{.OnCluster}}
(
    workspace    LowCardinality(String),
    key          UInt128 CODEC(NONE), -- a hash does not shrink
    anchor       UInt128,
    time         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    channel      LowCardinality(String),
    direction    Enum8('inbound' = 1, 'outbound' = 2, 'internal' = 3),
    kind         LowCardinality(String),
    actor_type   Enum8('customer' = 1, 'agent' = 2, 'bot' = 3, 'system' = 4),
    agent        LowCardinality(String), -- id of the actor where it is an agent, else empty
    identifiers  Array(String), -- type:value; claimed:type:value of what nobody verified
    thread       Array(String),
    topic        LowCardinality(String),
    team         LowCardinality(String),
    tags         Array(LowCardinality(String)),
    account      String,
    source       LowCardinality(String),
    rating_scale LowCardinality(String), -- empty: no rating
    rating_value Float64,
    payload      String CODEC(ZSTD(1)), -- the whole touchpoint as JSON, properties byte for byte
    content      UInt64 CODEC(NONE), -- 48 bits of the content's hash
    _partition   Int32,
    _offset      Int64 CODEC(Delta, ZSTD(1)),
    id           String ALIAS JSONExtractString(payload, 'id'),
    actor_id     String ALIAS JSONExtractString(payload, 'actor', 'id'),
    actor_name   String ALIAS JSONExtractString(payload, 'actor', 'name'),
    subject      String ALIAS JSONExtractString(payload, 'subject'),
    text         String ALIAS JSONExtractString(payload, 'text'),
    language     String ALIAS JSONExtractString(payload, 'language'),
    properties   String ALIAS if(position(payload, ',"properties":') = 0, '', substring(payload, position(payload, ',"properties":') + 14, -- byte for byte, which JSONExtractRaw would not give
        length(payload) - position(payload, ',"properties":') - 14 - if(JSONHas(payload, 'notes'), position(reverse(payload), '[:"seton",') + 8, 0))),
    order_ref    UInt128 MATERIALIZED if(arrayExists(t -> startsWith(t, 'order:'), thread), reinterpretAsUInt128(sipHash128(arrayFirst(t -> startsWith(t, 'order:'), thread))), 0),
    due          DateTime64(3, 'UTC') MATERIALIZED if(kind IN ('callback.promised', 'transfer.offered'), parseDateTime64BestEffortOrZero(
        JSONExtractString(payload, 'properties', if(kind = 'transfer.offered', 'expires_at', 'by')), 3, 'UTC'), toDateTime64(0, 3, 'UTC')) CODEC(Delta, ZSTD(1)), -- what it promises; 1970: it does not say
    INDEX by_thread thread TYPE bloom_filter(0.01) GRANULARITY 4, -- who writes in ticket:INC0001
    PROJECTION by_kind
    (
        SELECT workspace, key, anchor, time, received, channel, direction, kind, actor_type, agent, order_ref, topic, team, tags, account, source, rating_scale, rating_value, due
        ORDER BY workspace, kind, actor_type, time
    ) WITH SETTINGS (index_granularity = 4096), -- it is read by the thousand
    PROJECTION newest (SELECT workspace, max(received), count() GROUP BY workspace)
)
ENGINE = {{.Engine "MergeTree"}}
PARTITION BY toYYYYMM(time)
PRIMARY KEY (workspace, anchor)
ORDER BY (workspace, anchor, time, key)
SETTINGS {{.DeduplicationWindow}} = 10000, index_granularity = 512, min_compress_block_size = 16384, lightweight_mutation_projection_mode = 'rebuild',
    min_age_to_force_merge_seconds = 1800, min_age_to_force_merge_on_partition_only = 1;

-- Where moved anchors belong now: the highest version per anchor. Anchors that never moved are not in it.
CREATE TABLE IF NOT EXISTS identities {{.OnCluster}}
(
    workspace LowCardinality(String),
    anchor    UInt128,
    person    UInt128,
    version   UInt64,
    home      UInt128,
    thread    UInt128 -- not 0: a participation, which moves stubs and no facts
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
ORDER BY anchor
SETTINGS index_granularity = 512, min_compress_block_size = 16384;

-- What moved lately, for a dictionary that takes some milliseconds to read, where the one over identities takes a second for
-- some millions. Once that was read whole, the loader drops what is older, partition by partition.
CREATE TABLE IF NOT EXISTS identity_recent {{.OnCluster}}
(
    anchor  UInt128,
    person  UInt128,
    version UInt64,
    loaded  DateTime('UTC') DEFAULT now()
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
PARTITION BY toStartOfInterval(loaded, INTERVAL 10 SECOND)
ORDER BY anchor;

-- Which anchors a person has: those whose latest row came. One row for the person that a move takes an anchor from, and one for
-- the person that it brings it to, so that a card reads one place and need not ask of each anchor where it is now.
CREATE TABLE IF NOT EXISTS identity_anchors {{.OnCluster}}
(
    workspace LowCardinality(String),
    person    UInt128,
    anchor    UInt128,
    version   UInt64,
    came      Bool,
    other     UInt128 -- the person that it came from, or went to
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
ORDER BY (workspace, person, anchor)
SETTINGS index_granularity = 512, min_compress_block_size = 16384;

-- Every move with its evidence: why two identifiers are one person, and who was who at any time.
CREATE TABLE IF NOT EXISTS identity_log {{.OnCluster}}
(
    workspace  LowCardinality(String),
    person     UInt128,
    anchor     UInt128,
    version    UInt64,
    from       UInt128,
    home       UInt128,
    thread     UInt128,
    type       LowCardinality(String),
    value      String,
    rule       LowCardinality(String),
    touchpoint String,
    source     LowCardinality(String),
    user       String,
    time       DateTime64(3, 'UTC'),
    at         DateTime64(3, 'UTC'), -- when it came to the log: since then agents saw it so
    INDEX by_anchor anchor TYPE bloom_filter(0.01) GRANULARITY 1 -- whose it was at a time
)
ENGINE = {{.Engine "ReplacingMergeTree"}}
ORDER BY (workspace, person, anchor, version)
SETTINGS index_granularity = 512, min_compress_block_size = 16384;

-- What was decided about every link, once from either end, so that all about a node is in one place. Nothing replaces
-- anything: of the decisions about a pair the one with the highest version is in force, the others are its history, and
-- suggestions grow stronger by their number.
CREATE TABLE IF NOT EXISTS identity_edges {{.OnCluster}}
(
    workspace   LowCardinality(String),
    node        UInt128,
    other       UInt128, -- 0: the decision is about the node alone
    version     UInt64,
    kind        LowCardinality(String),
    decision    LowCardinality(String),
    turned      Bool, -- the node is b of the link, and not a
    node_type   LowCardinality(String),
    node_value  String,
    other_type  LowCardinality(String),
    other_value String,
    rule        LowCardinality(String),
    detail      String,
    touchpoint  String,
    key         UInt128,
    source      LowCardinality(String),
    user        LowCardinality(String),
    reason      String,
    time        DateTime64(3, 'UTC'),
    at          DateTime64(3, 'UTC'), -- when it came to the log
    INDEX by_decision decision TYPE set(16) GRANULARITY 1
)
ENGINE = {{.Engine "ReplacingMergeTree"}}
ORDER BY (workspace, node, other, version, decision)
SETTINGS index_granularity = 512, min_compress_block_size = 16384;

-- Conversations: the highest version per id. state superseded and gone hide the row. They lie in the order in which they began: a conversation is named
-- after its first touchpoint, whose anchor and time never change, so that all versions of one are in one month, and what looks at a period reads that period.
-- A month that was quiet for ten minutes is merged into one part, in which FINAL has nothing to compare: over all conversations it costs a quarter.
-- It is read by the thousand: small granules, each with a block and dictionaries for every one of its columns, would only cost every insert and merge.
CREATE TABLE IF NOT EXISTS conversations {{.OnCluster}}
(
    workspace          LowCardinality(String),
    id                 UInt128, -- key of its first touchpoint
    version            UInt64,
    person             UInt128,
    anchor             UInt128, -- of its first touchpoint
    state              LowCardinality(String),
    superseded_by      UInt128,
    first              DateTime64(3, 'UTC'),
    last               DateTime64(3, 'UTC'),
    begun              DateTime64(3, 'UTC'), -- first touchpoint of a kind with an effect
    touchpoints        UInt32,
    inbound            UInt32,
    outbound           UInt32,
    internal           UInt32,
    contacts           UInt32,
    channels           Array(LowCardinality(String)),
    team               LowCardinality(String),
    agent              LowCardinality(String),
    topic              LowCardinality(String),
    source             LowCardinality(String),
    account            String,
    tags               Array(LowCardinality(String)),
    participants       Array(UInt128),
    waiting_since      DateTime64(3, 'UTC'), -- 1970: nobody waits for us
    first_response     Nullable(Int64), -- ms, as all durations
    first_bot_response Nullable(Int64),
    later_responses    Array(Int64),
    longest_wait       Int64,
    next_contact       DateTime64(3, 'UTC'), -- when the customer got in touch about the topic in another conversation; 1970: never
    resolved_at        Nullable(DateTime64(3, 'UTC')),
    resolution         Nullable(Int64),
    reopenings         UInt32,
    hand_overs         UInt32,
    channel_switches   UInt32,
    rating_scales      Array(LowCardinality(String)), -- that the customer rated on
    rating_values      Array(Float64), -- the last on each of them
    wait_from          Array(Int64), -- ms since 1970: the customer waited for a human's answer from here to there
    wait_to            Array(Int64), -- 0: still
    wait_kind          Array(Int64), -- 1 the first answer, 2 a later one, 3 settled without one
    pause_from         Array(Int64), -- nothing was up to us
    pause_to           Array(Int64), -- 0: still
    turn_at            Array(Int64), -- since when which team had it
    turn_team          Array(LowCardinality(String)),
    state_at           Array(Int64), -- since when it was in which state; the last is the one it is in
    state_was          Array(LowCardinality(String)),
    channel_contacts   Array(Int64), -- contacts by each of channels
    calls              Int64, -- how long agents were on the phone
    awaited            Int64 MATERIALIZED if(has(wait_to, 0), arrayElement(wait_from, -1), 0), -- since when a human's answer is; 0: it is not
    unheard            Bool MATERIALIZED has(wait_kind, 3),
    INDEX by_last last TYPE minmax GRANULARITY 1 -- what is open or went on lately; the last touchpoint of most is days behind the first
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
PARTITION BY toYYYYMM(first)
ORDER BY (workspace, first, id)
SETTINGS min_age_to_force_merge_seconds = 600, min_age_to_force_merge_on_partition_only = 1;

-- The same rows, whole, where their person's others lie: what is shown of one conversation, or of one person's, is read here. A card pays for every column
-- of every part that it finds one in, and a few columns with the record as the log has it are a fifth of those above.
CREATE TABLE IF NOT EXISTS conversations_by_anchor {{.OnCluster}}
(
    workspace LowCardinality(String),
    anchor    UInt128, -- of its first touchpoint
    id        UInt128,
    version   UInt64,
    person    UInt128,
    state     LowCardinality(String),
    first     DateTime64(3, 'UTC'),
    last      DateTime64(3, 'UTC'),
    payload   String CODEC(ZSTD(1)), -- the record of topic conversations
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
PARTITION BY toYYYYMM(first)
ORDER BY (workspace, anchor, id)
SETTINGS index_granularity = 512, min_compress_block_size = 16384, min_age_to_force_merge_seconds = 1800, min_age_to_force_merge_on_partition_only = 1;

-- Which conversation a touchpoint belongs to, with the dimensions of reports: the highest version per key, within a
-- month of time, which never changes.
CREATE TABLE IF NOT EXISTS conversation_touchpoints {{.OnCluster}}
(
    workspace    LowCardinality(String),
    anchor       UInt128,
    time         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    key          UInt128,
    version      UInt64,
    conversation UInt128, -- 0: none
    person       UInt128,
    channel      LowCardinality(String),
    direction    Enum8('inbound' = 1, 'outbound' = 2, 'internal' = 3),
    kind         LowCardinality(String),
    team         LowCardinality(String),
    agent        LowCardinality(String),
    topic        LowCardinality(String),
    source       LowCardinality(String),
    account      String,
    tags         Array(LowCardinality(String))
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
PARTITION BY toYYYYMM(time)
ORDER BY (workspace, anchor, time, key)
SETTINGS index_granularity = 512, min_compress_block_size = 16384, min_age_to_force_merge_seconds = 1800, min_age_to_force_merge_on_partition_only = 1;

-- Dead letters: the highest version per id. Version 1 is the refusal, 2 says that it was sent again.
CREATE TABLE IF NOT EXISTS rejected {{.OnCluster}}
(
    workspace LowCardinality(String),
    id        String,
    version   UInt64,
    time      DateTime64(3, 'UTC'), -- when it was refused
    source    LowCardinality(String), -- http, raw, conflict or log
    position  String, -- where it came from: topic/partition/offset, or request and index
    touchpoint String, -- its id, where one could be read
    field     String,
    reason    String,
    bytes     String CODEC(ZSTD(1)),
    status    LowCardinality(String) -- kept or resent
)
ENGINE = {{.Engine "ReplacingMergeTree" "version"}}
ORDER BY (workspace, id);

-- By what a customer is found while somebody types: what identifiers begin with, and the words of names, as streams/search writes them. A row says who
-- is meant: the identifier itself, which may have moved to a person since, or the touchpoint's anchor of what is a name or only claimed.
CREATE TABLE IF NOT EXISTS search_terms {{.OnCluster}}
(
    workspace LowCardinality(String),
    term      String,
    type      LowCardinality(String), -- of the identifier; name
    value     String, -- as it is shown
    anchor    UInt128,
    also      String -- of a name: an identifier, type:value, that tells namesakes apart
)
ENGINE = {{.Engine "ReplacingMergeTree"}}
ORDER BY (workspace, term, type, value, anchor)
SETTINGS index_granularity = 512, min_compress_block_size = 16384;
