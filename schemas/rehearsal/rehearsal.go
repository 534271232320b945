// Package rehearsal holds the records of topic identity.rehearsals: what new identity rules would change.
package rehearsal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/identity"
)

// Status says how far a rehearsal is.
type Status string

// The stations of a rehearsal.
const (
	Running  Status = "running"
	Done     Status = "done"
	Failed   Status = "failed"
	Promoted Status = "promoted" // its rules were put in force
)

// Record is a rehearsal. A discarded one is a record without a value.
type Record struct {
	ID        string `json:"id"` // 32 hexadecimal digits
	Workspace string `json:"workspace"`
	User      string `json:"user"`            // who asked for it
	Rules     string `json:"rules"`           // YAML
	Since     int64  `json:"since,omitempty"` // ms since 1970; only who was active since then counts
	Started   int64  `json:"started"`
	Updated   int64  `json:"updated"` // while it runs, at least every HeartbeatEvery ms
	Status    Status `json:"status"`
	Error     string `json:"error,omitempty"` // why it failed

	Progress   Progress    `json:"progress"`
	Difference *Difference `json:"difference,omitempty"` // once it is done

	Version uint64 `json:"version,omitempty"` // of the rules' promotion
}

// HeartbeatEvery is how often a running rehearsal says so, in ms. One that was silent for three times as long has ended
// with its process.
const HeartbeatEvery = 10_000

// Progress is how much is done. The log is read twice.
type Progress struct {
	Step  string `json:"step"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
}

// Difference is what the new rules would change.
type Difference struct {
	Links         int64 `json:"links"` // decided, by either rules
	PersonsBefore int   `json:"persons_before"`
	PersonsAfter  int   `json:"persons_after"`

	Joined          int `json:"joined"`            // persons that become one with others
	Parted          int `json:"parted"`            // persons that fall into several
	Moved           int `json:"moved"`             // identifiers that get another person's id
	Refused         int `json:"refused"`           // pairs of identifiers that are refused by the new rules alone
	NoLongerRefused int `json:"no_longer_refused"` // and by the old rules alone
	SharedCount     int `json:"shared_count"`      // values that only the new rules find to be shared
	NoLongerShared  int `json:"no_longer_shared"`  // and only the old rules

	Shared   []identity.Node `json:"shared"`   // the first of the newly shared values
	Examples []Example       `json:"examples"` // those that concern the most touchpoints first
	Report   []Cell          `json:"report"`   // of this month's touchpoints by channel, where something changes
	Month    string          `json:"month"`    // that the report is of, such as 2026-11, in UTC
}

// Bounds of what is kept of a rehearsal: it has to fit into a record of the log.
const (
	MaxExamples    = 50
	MaxPersons     = 10 // of an example, before and after
	MaxIdentifiers = 10 // of a person in an example
	MaxEvidence    = 10 // of an example
	MaxShared      = 100
)

// Example is some persons whom the new rules would make others.
type Example struct {
	Touchpoints uint64     `json:"touchpoints"` // that would belong to another person
	Before      []Person   `json:"before"`
	After       []Person   `json:"after"`
	Evidence    []Evidence `json:"evidence"` // what is decided otherwise about these persons
}

// Person is one of an example.
type Person struct {
	ID          identity.PersonID `json:"id"`
	Size        int               `json:"size"` // its identifiers, of which some follow
	Identifiers []identity.Node   `json:"identifiers"`
}

// Evidence is a link that is decided otherwise.
type Evidence struct {
	A          identity.Node     `json:"a"`
	B          identity.Node     `json:"b"`
	Kind       identity.LinkKind `json:"kind"`
	Before     identity.Decision `json:"before"` // joined, held, or not_joined
	After      identity.Decision `json:"after"`
	Rule       string            `json:"rule,omitempty"` // by which the new rules decide
	Detail     string            `json:"detail,omitempty"`
	Touchpoint string            `json:"touchpoint,omitempty"`
	Source     string            `json:"source,omitempty"`
	User       string            `json:"user,omitempty"`
	Time       int64             `json:"time"` // ms since 1970
}

// NotJoined is what Evidence says of two identifiers that are not kept together.
const NotJoined identity.Decision = "not_joined"

// Cell is a line of the report that changes.
type Cell struct {
	Channel      string `json:"channel"`
	Touchpoints  uint64 `json:"touchpoints"`
	Moved        uint64 `json:"moved"` // of them, that would be another person's
	PeopleBefore int64  `json:"people_before"`
	PeopleAfter  int64  `json:"people_after"`
}

// ErrBadRecord is wrapped by what Decode refuses.
var ErrBadRecord = errors.New("rehearsal: bad record")

// Key is the record key of a rehearsal.
func Key(workspace, id string) string { return workspace + "/" + id }

// Decode reads a record of the topic; found is false for one that was discarded.
func Decode(key, value []byte) (r Record, found bool, err error) {
	workspace, id, ok := strings.Cut(string(key), "/")
	if !ok {
		return r, false, fmt.Errorf("%w: key %q", ErrBadRecord, key)
	}
	if value == nil {
		return Record{Workspace: workspace, ID: id}, false, nil
	}
	if err := json.Unmarshal(value, &r); err != nil {
		return Record{}, false, fmt.Errorf("%w: %w", ErrBadRecord, err)
	}
	if r.Workspace != workspace || r.ID != id {
		return Record{}, false, fmt.Errorf("%w: %s/%s under key %s", ErrBadRecord, r.Workspace, r.ID, key)
	}
	return r, true, nil
}

// Encode writes the value of a record.
func Encode(r *Record) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("rehearsal: encode: %w", err)
	}
	return b, nil
}
