// Package conversation holds the words of conversations: the stubs they are computed from, the messages between
// persons' homes, and the rows they become. It decides nothing; package streams/conversation does.
package conversation

import (
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Stub is what conversations need to know of a touchpoint.
type Stub struct {
	Workspace string
	Key       touchpoint.Key
	Anchor    identity.Anchor
	Time      int64 // ms since 1970
	Channel   string
	Direction touchpoint.Direction
	Kind      string
	Actor     touchpoint.ActorType
	ActorID   string
	Threads   []Thread // as many as the touchpoint has, in its order
	Team      string
	Topic     string
	Source    string
	Account   string
	Tags      []string
	Rating    *touchpoint.Rating
}

// Thread is a thread that a stub carries.
type Thread struct {
	Scheme string
	Anchor identity.Anchor // of ("thread", "scheme:value")
}

// Message is a record of topic touchpoints.by-person: exactly one of its parts is set. The record's key is the
// person (or anchor) whose home it is for; all messages for one home are in one partition, in order.
type Message struct {
	Stub  *Stub
	Moved *Moved
	Adopt *Adopt
	Drop  *Drop
}

// Moved tells an anchor's home that the anchor belongs to Person from Version on. Versions order the moves of a home
// and say nothing else.
type Moved struct {
	Workspace string
	Home      identity.Anchor // the home this is for
	Anchor    identity.Anchor // Home itself, or a participation of Home in Thread
	Thread    identity.Anchor // zero unless a participation
	Person    identity.PersonID
	Version   uint64
}

// Adopt gives stubs of an anchor to the person it belongs to since Hop, the anchor's home's count of the moves it has
// taken. Several may come with one hop, each with further stubs.
type Adopt struct {
	Workspace string
	Person    identity.PersonID
	Anchor    identity.Anchor // of all the stubs
	Thread    identity.Anchor // zero unless a participation: the stubs of Anchor that carry it
	Hop       uint32
	Stubs     []Stub
}

// Drop takes an anchor's stubs away from a person that had them, because the anchor belongs to somebody else since
// Hop. With a Thread, only the stubs that carry it.
type Drop struct {
	Workspace string
	Person    identity.PersonID
	Anchor    identity.Anchor
	Thread    identity.Anchor
	Hop       uint32
}
