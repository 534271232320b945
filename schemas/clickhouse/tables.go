package clickhouse

import "github.com/throughline/throughline/schemas/topic"

// Tables are the names of the store's tables and its dictionary in one set of generations.
type Tables struct {
	Touchpoints   string // facts
	Rejected      string // dead letters
	Terms         string // by what a person is found while somebody types
	Identities    string // moved anchors
	IdentityLog   string // every move
	Anchors       string // of persons
	Edges         string // what was decided about every link
	Recent        string // moves that Moved may not have yet
	Moved         string // dictionary over Identities
	MovedLately   string // dictionary over Recent
	Conversations string // in the order in which they began
	ByAnchor      string // the same, whole, where their person's others lie
	Members       string // touchpoint -> conversation
}

// TablesOf names the tables of the given generations. Facts, their terms and dead letters are built anew with the store alone,
// the others with the store or with their own stage: "touchpoints_g2", "identities_g3", "conversations_g2_s2".
// Generation 1 has no suffix.
func TablesOf(g topic.Generations) Tables {
	facts := topic.Suffix("_g", g.Store)
	identities := topic.Suffix("_g", g.Identity) + topic.Suffix("_s", g.Store)
	conversations := topic.Suffix("_g", g.Conversation) + topic.Suffix("_s", g.Store)
	return Tables{
		Touchpoints:   "touchpoints" + facts,
		Rejected:      "rejected" + facts,
		Terms:         "search_terms" + facts,
		Identities:    "identities" + identities,
		IdentityLog:   "identity_log" + identities,
		Anchors:       "identity_anchors" + identities,
		Edges:         "identity_edges" + identities,
		Recent:        "identity_recent" + identities,
		Moved:         "moved" + identities,
		MovedLately:   "moved_lately" + identities,
		Conversations: "conversations" + conversations,
		ByAnchor:      "conversations_by_anchor" + conversations,
		Members:       "conversation_touchpoints" + conversations,
	}
}

// Copied are the tables, without the dictionaries, in a fixed order: a generation is made by copying the shape of each
// from generation 1.
func (t Tables) Copied() []string {
	return []string{t.Touchpoints, t.Rejected, t.Terms, t.Identities, t.IdentityLog, t.Anchors, t.Edges, t.Recent, t.Conversations, t.ByAnchor, t.Members}
}

// PersonOf is the expression for the person that an anchor belongs to now, by the dictionaries of moved anchors; anchor is
// the expression of a UInt128. Few anchors moved lately: to ask whether one did costs half of what a default would that was
// looked up before.
func (t Tables) PersonOf(anchor string) string {
	key := "toUInt64(" + anchor + ")"
	return "if(dictHas('" + t.MovedLately + "', " + key + "), dictGet('" + t.MovedLately + "', 'person', " + key + "), dictGetOrDefault('" + t.Moved + "', 'person', " + key + ", " + anchor + "))"
}
