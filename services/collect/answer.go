package collect

import (
	"strconv"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/registry"
)

// Answer is what a request is told, once the log has all of it.
type Answer struct {
	Accepted int       `json:"accepted"`
	Rejected []Refused `json:"rejected"`
	IDs      []MadeID  `json:"ids,omitempty"` // of accepted touchpoints that came without one
}

// Refused says why one touchpoint of the request was not accepted.
type Refused struct {
	Index  int    `json:"index"` // from 0
	ID     string `json:"id"`    // empty when none could be read
	Field  string `json:"field"` // empty when it is about the whole
	Reason string `json:"reason"`
}

// MadeID is the id that a touchpoint was given.
type MadeID struct {
	Index int    `json:"index"`
	ID    string `json:"id"`
}

// appendJSON writes the answer. Nearly all requests are accepted whole, and then nothing has to be encoded.
func (a *Answer) appendJSON(dst []byte) []byte {
	if len(a.Rejected) == 0 && len(a.IDs) == 0 {
		dst = strconv.AppendInt(append(dst, `{"accepted":`...), int64(a.Accepted), 10)
		return append(dst, `,"rejected":[]}`...)
	}
	if a.Rejected == nil {
		a.Rejected = []Refused{}
	}
	out, err := json.Append(dst, a, 0)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return out
}

func encodeRegistry(r *registry.Registry) ([]byte, error) {
	return json.Marshal(r)
}
