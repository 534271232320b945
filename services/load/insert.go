package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// errContent is wrapped by an insert that ClickHouse refused for what is in the rows.
var errContent = errors.New("load: rows refused")

// contentCodes are refusals of content: with these codes some row of the block is the reason, and the others can be saved from it. Any
// other refusal (no such table, no rights) says something about the server, and is tried again until somebody mends it:
// to take it for bad rows would turn a whole log into dead letters.
var contentCodes = map[int]bool{
	6: true, 26: true, 27: true, 38: true, 41: true, 72: true, // CANNOT_PARSE_...
	69:  true, // ARGUMENT_OUT_OF_BOUND
	117: true, // INCORRECT_DATA
	131: true, // TOO_LARGE_STRING_SIZE
	190: true, // SIZES_OF_ARRAYS_DONT_MATCH
	321: true, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	395: true, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
	407: true, // DECIMAL_OVERFLOW
	469: true, // VIOLATED_CONSTRAINT
	691: true, // UNKNOWN_ELEMENT_OF_ENUM
}

// insert writes rows, and tries until they are in, ctx ends, or ClickHouse refuses their content. before is called ahead
// of each try. uncertain says that a try ended without an answer: it may have been carried out, in part or in whole.
func (l *loader) insert(ctx context.Context, t table, token string, before func(context.Context) error) (uncertain bool, err error) {
	wait := l.cfg.RetryWait
	for {
		if before != nil {
			if err := before(ctx); err != nil {
				return uncertain, err
			}
		}
		started := time.Now()
		attempt, cancel := context.WithTimeout(ctx, l.cfg.InsertTimeout)
		err := l.cfg.Store.Insert(attempt, t.name, token, t.columns)
		cancel()
		if err == nil {
			l.metrics.insertSeconds.Observe(time.Since(started).Seconds())
			l.available(t.name)
			return uncertain, nil
		}
		var refused *clickhouse.Error
		if errors.As(err, &refused) && contentCodes[refused.Code] {
			return uncertain, fmt.Errorf("%w: %s: %w", errContent, t.name, err)
		}
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		uncertain = true
		l.metrics.retries.Inc()
		l.unavailable(t.name, err)
		if !sleep(ctx, wait) {
			return uncertain, ctx.Err()
		}
		wait = min(2*wait, 50*l.cfg.RetryWait)
	}
}

// sleep waits d or until ctx is done, and reports whether it waited to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
