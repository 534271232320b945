-- What the door noted at a touchpoint, as about:rule:field: privacy:card:text, contract:order.placed@3:properties.amount. The payload
-- has it whole; most touchpoints have none, and nothing of theirs is parsed.
ALTER TABLE touchpoints {{.OnCluster}} ADD COLUMN IF NOT EXISTS
    notes Array(LowCardinality(String)) MATERIALIZED if(position(payload, '"notes":[') = 0, [],
        arrayMap(n -> concat(n.1, ':', n.2, ':', n.3), JSONExtract(payload, 'notes', 'Array(Tuple(about String, rule String, field String))')));
