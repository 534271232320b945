// Package topic is the one table of Kafka topics: their names, keys, how long they are kept, who writes and who reads.
package topic

import (
	"strconv"
	"time"
)

// Name is a topic's name in generation 1.
type Name string

// The topics.
const (
	Raw           Name = "touchpoints.raw"
	Touchpoints   Name = "touchpoints"
	Rejected      Name = "touchpoints.rejected"
	Seen          Name = "touchpoints.seen"
	Links         Name = "identity.links"
	Moves         Name = "identity.moves"
	Edges         Name = "identity.edges"
	ByPerson      Name = "touchpoints.by-person"
	Conversations Name = "conversations"
	Members       Name = "conversations.members"
	Workspaces    Name = "workspaces"
	Rehearsals    Name = "identity.rehearsals"
	Transfers     Name = "transfers"
)

// Stage says which rebuild makes a topic anew: derived topics carry the generation of their stage in their name.
type Stage int

// The stages. Facts are never rebuilt, and neither are links: their order decides who is older, and so must be kept.
const (
	Fact Stage = iota
	Identity
	Conversation
)

// Topic is one row of the table.
type Topic struct {
	Name      Name
	Stage     Stage
	Key       string        // what the record key is
	Codec     string        // of the value
	Compacted bool          // the last record per key is kept
	Retention time.Duration // 0: for ever
	Single    bool          // one partition, whatever the default
	Writers   string
	Readers   string
}

const day = 24 * time.Hour

// Table lists every topic.
var Table = []Topic{
	{Name: Raw, Key: "any", Codec: "touchpoint JSON", Retention: 7 * day, Writers: "outside producers", Readers: "collect"},
	{Name: Touchpoints, Key: "workspace/id", Codec: "envelope", Writers: "collect", Readers: "identify, load"},
	{Name: Rejected, Key: "source position", Codec: "JSON", Retention: 30 * day, Writers: "collect, identify, converse, load", Readers: "load"},
	{Name: Seen, Stage: Identity, Key: "none; the partition of the touchpoints", Codec: "fingerprints", Writers: "identify", Readers: "identify, to restore"},
	{Name: Links, Key: "workspace", Codec: "link", Writers: "identify (stitch), serve", Readers: "identify (resolve)"},
	{Name: Moves, Stage: Identity, Key: "anchor", Codec: "JSON", Compacted: true, Writers: "identify (resolve)", Readers: "load"},
	{Name: Edges, Stage: Identity, Key: "workspace", Codec: "JSON", Writers: "identify (resolve)", Readers: "load"},
	{Name: ByPerson, Stage: Identity, Key: "person whose home it is", Codec: "message", Writers: "identify, converse", Readers: "converse"},
	{Name: Conversations, Stage: Conversation, Key: "conversation id", Codec: "JSON", Compacted: true, Writers: "converse", Readers: "load"},
	{Name: Members, Stage: Conversation, Key: "touchpoint key", Codec: "member", Compacted: true, Writers: "converse", Readers: "load"},
	{Name: Workspaces, Key: "SHA-256 of the API key, source-keys/SHA-256, generations, rules/workspace, promises/workspace, privacy/workspace, secret/workspace/hash, contract/workspace/kind/version/hash, channels/workspace/channel, or audit", Codec: "JSON", Compacted: true, Single: true, Writers: "up, keys, rebuild, collect, serve", Readers: "all"},
	{Name: Transfers, Key: "workspace/transfer", Codec: "JSON", Retention: 30 * day, Single: true, Writers: "serve", Readers: "serve"},
	{Name: Rehearsals, Key: "workspace/rehearsal", Codec: "JSON", Compacted: true, Single: true, Writers: "serve", Readers: "serve"},
}

// Generations says which build of each derived thing is meant. Each is at least 1.
type Generations struct {
	Identity     uint32 `json:"identity"`
	Conversation uint32 `json:"conversation"`
	Store        uint32 `json:"store"`
}

// First is the generation of a new installation.
var First = Generations{Identity: 1, Conversation: 1, Store: 1}

// In is the topic's name in the given generations. A conversation topic depends on both the identity and the
// conversation build.
func (t Topic) In(g Generations) string {
	n := uint32(1)
	switch t.Stage {
	case Identity:
		n = g.Identity
	case Conversation:
		n = g.Conversation
	}
	return string(t.Name) + Suffix(".g", n)
}

// In is the name of the topic n in the given generations.
func (n Name) In(g Generations) string { return Of(n).In(g) }

// Of returns the row of a topic; it panics on a name that is not in the table, which only a programming error makes.
func Of(n Name) Topic {
	for _, t := range Table {
		if t.Name == n {
			return t
		}
	}
	panic("topic: no such topic " + string(n))
}

// Suffix is empty for generation 1, else sep and the number.
func Suffix(sep string, generation uint32) string {
	if generation <= 1 {
		return ""
	}
	return sep + strconv.FormatUint(uint64(generation), 10)
}
