package workspace

import (
	"fmt"

	"github.com/segmentio/encoding/json"
)

// PromisesPrefix is in front of the workspace in the record key of Promises.
const PromisesPrefix = "promises/"

// PromisesKey is the record key of a workspace's Promises.
func PromisesKey(workspace string) string { return PromisesPrefix + workspace }

// Promises are what a workspace promises its customers, with its calendars. The last record is in force.
type Promises struct {
	YAML string `json:"yaml"`
	At   int64  `json:"at"` // ms since 1970
}

func decodePromises(name string, value []byte) (Record, error) {
	if err := ValidName(name); err != nil {
		return Record{}, fmt.Errorf("workspace: decode promises: %w", err)
	}
	if value == nil {
		return Record{PromisesOf: name}, nil
	}
	p := new(Promises)
	if err := json.Unmarshal(value, p); err != nil {
		return Record{}, fmt.Errorf("workspace: decode promises: %w", err)
	}
	return Record{PromisesOf: name, Promises: p}, nil
}
