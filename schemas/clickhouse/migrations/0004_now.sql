-- What people and BI tools ask. A rebuild makes tables with other names (touchpoints_g2) and drops or empties those before; these names stay, and a
-- rebuild leads them to the new tables once those are complete, so that a saved question goes on giving the right answer.
-- Each shows what is in force: of rows with versions the highest, of conversations those that are some, of anchors those that a person has.
CREATE OR REPLACE VIEW now_touchpoints {{.OnCluster}} AS
SELECT workspace, id, time, received, channel, direction, kind, actor_type, actor_id, actor_name, agent, identifiers, thread, subject, text, language,
    topic, team, tags, account, source, rating_scale, rating_value, properties, notes, payload, key, anchor,
    if(dictHas({{.Database}}.moved_lately, toUInt64(anchor)), dictGet({{.Database}}.moved_lately, 'person', toUInt64(anchor)),
        dictGetOrDefault({{.Database}}.moved, 'person', toUInt64(anchor), anchor)) AS person
FROM {{.Database}}.touchpoints;

-- A conversation is not written again because its person was merged: whose it is now, the dictionaries say.
CREATE OR REPLACE VIEW now_conversations {{.OnCluster}} AS
SELECT c.* EXCEPT (person), if(dictHas({{.Database}}.moved_lately, toUInt64(c.person)), dictGet({{.Database}}.moved_lately, 'person', toUInt64(c.person)),
        dictGetOrDefault({{.Database}}.moved, 'person', toUInt64(c.person), c.person)) AS person
FROM {{.Database}}.conversations AS c FINAL WHERE state NOT IN ('superseded', 'gone');

-- conversation 0: it belongs to none.
CREATE OR REPLACE VIEW now_conversation_touchpoints {{.OnCluster}} AS
SELECT c.* EXCEPT (person), if(dictHas({{.Database}}.moved_lately, toUInt64(c.person)), dictGet({{.Database}}.moved_lately, 'person', toUInt64(c.person)),
        dictGetOrDefault({{.Database}}.moved, 'person', toUInt64(c.person), c.person)) AS person
FROM {{.Database}}.conversation_touchpoints AS c FINAL;

CREATE OR REPLACE VIEW now_identities {{.OnCluster}} AS SELECT * FROM {{.Database}}.identities FINAL;
CREATE OR REPLACE VIEW now_identity_anchors {{.OnCluster}} AS SELECT * FROM {{.Database}}.identity_anchors FINAL WHERE came;
CREATE OR REPLACE VIEW now_identity_log {{.OnCluster}} AS SELECT * FROM {{.Database}}.identity_log FINAL;
CREATE OR REPLACE VIEW now_identity_edges {{.OnCluster}} AS SELECT * FROM {{.Database}}.identity_edges FINAL;
CREATE OR REPLACE VIEW now_rejected {{.OnCluster}} AS SELECT * FROM {{.Database}}.rejected FINAL;
