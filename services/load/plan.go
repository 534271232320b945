package load

import (
	"encoding/json"
	"errors"
	"fmt"
)

// plan is the metadata of an offset commit: the range of the block that is about to be inserted. It is made inside the
// group's generation, so that only the owner of a partition can plan; its replay by whoever comes next is
// the same block under the same token.
type plan struct {
	Version int      `json:"v"`
	Pending [2]int64 `json:"pending"` // first and last offset
}

const planVersion = 1

// transformVersion is part of every token. It grows when the same records become other rows, so that a block that was
// planned by the version before is not mistaken for one of this.
const transformVersion = 1

// errUnreadablePlan is returned when a commit carries metadata that this version does not understand: to
// go on without it could load the block twice.
var errUnreadablePlan = errors.New("load: the committed plan cannot be read")

func (p plan) metadata() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers only
	}
	return string(b)
}

// readPlan reads what metadata wrote; empty metadata is no plan.
func readPlan(metadata string) (*plan, error) {
	if metadata == "" {
		return nil, nil
	}
	var p plan
	if err := json.Unmarshal([]byte(metadata), &p); err != nil {
		return nil, fmt.Errorf("%w: %q: %w", errUnreadablePlan, metadata, err)
	}
	if p.Version != planVersion || p.Pending[0] < 0 || p.Pending[1] < p.Pending[0] {
		return nil, fmt.Errorf("%w: %q", errUnreadablePlan, metadata)
	}
	return &p, nil
}

// token names the rows of a range of one partition.
func token(topic string, partition int32, from, to int64) string {
	return fmt.Sprintf("%s:%d:%d-%d:%d", topic, partition, from, to, transformVersion)
}
