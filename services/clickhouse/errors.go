package clickhouse

import (
	"context"
	"errors"
	"fmt"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// What callers branch on. Every error of this package that came from the server or the way to it wraps one of them.
var (
	// ErrUnavailable: the server is away, overloaded or out of something that comes back. Try again; a write
	// with the same token is safe.
	ErrUnavailable = errors.New("clickhouse: unavailable")
	// ErrTooSlow: a query ran into its time limit.
	ErrTooSlow = errors.New("clickhouse: query ran into its time limit")
	// ErrTooLarge: a query ran into its limit of memory, rows or bytes.
	ErrTooLarge = errors.New("clickhouse: query ran into its limit of memory or rows")
	// ErrRefused: the server will never accept this statement or these rows; see Error for its code.
	ErrRefused = errors.New("clickhouse: refused")
)

// Error is an exception of the server.
type Error struct {
	Kind    error  // one of the sentinels above
	Code    int    // ClickHouse's error code
	Message string // its text
}

func (e *Error) Error() string { return fmt.Sprintf("%v: code %d: %s", e.Kind, e.Code, e.Message) }
func (e *Error) Unwrap() error { return e.Kind }

// kinds maps ClickHouse's error codes; a code that is not here is a refusal.
var kinds = map[int]error{
	159: ErrTooSlow, // TIMEOUT_EXCEEDED
	160: ErrTooSlow, // TOO_SLOW

	158: ErrTooLarge, // TOO_MANY_ROWS
	161: ErrTooLarge, // TOO_MANY_COLUMNS
	191: ErrTooLarge, // SET_SIZE_LIMIT_EXCEEDED
	241: ErrTooLarge, // MEMORY_LIMIT_EXCEEDED
	307: ErrTooLarge, // TOO_MANY_BYTES
	396: ErrTooLarge, // TOO_MANY_ROWS_OR_BYTES

	3:   ErrUnavailable, // UNEXPECTED_END_OF_FILE: the connection broke inside a body
	33:  ErrUnavailable, // CANNOT_READ_ALL_DATA: the same
	74:  ErrUnavailable, // CANNOT_READ_FROM_FILE_DESCRIPTOR
	75:  ErrUnavailable, // CANNOT_WRITE_TO_FILE_DESCRIPTOR: also a full disk
	76:  ErrUnavailable, // CANNOT_OPEN_FILE: also too many of them
	173: ErrUnavailable, // CANNOT_ALLOCATE_MEMORY
	198: ErrUnavailable, // DNS_ERROR
	202: ErrUnavailable, // TOO_MANY_SIMULTANEOUS_QUERIES
	203: ErrUnavailable, // NO_FREE_CONNECTION
	209: ErrUnavailable, // SOCKET_TIMEOUT
	210: ErrUnavailable, // NETWORK_ERROR
	225: ErrUnavailable, // NO_ZOOKEEPER
	236: ErrUnavailable, // ABORTED: the server shuts down
	242: ErrUnavailable, // TABLE_IS_READ_ONLY: a replica without its keeper
	243: ErrUnavailable, // NOT_ENOUGH_SPACE
	252: ErrUnavailable, // TOO_MANY_PARTS
	254: ErrUnavailable, // NO_ACTIVE_REPLICAS
	279: ErrUnavailable, // ALL_CONNECTION_TRIES_FAILED
	285: ErrUnavailable, // TOO_FEW_LIVE_REPLICAS
	286: ErrUnavailable, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
	319: ErrUnavailable, // UNKNOWN_STATUS_OF_INSERT
	394: ErrUnavailable, // QUERY_WAS_CANCELLED
	425: ErrUnavailable, // SYSTEM_ERROR
	439: ErrUnavailable, // CANNOT_SCHEDULE_TASK
	473: ErrUnavailable, // DEADLOCK_AVOIDED
	999: ErrUnavailable, // KEEPER_EXCEPTION
}

// classify wraps an error of the driver with its sentinel and the operation. A cancelled context stays what it is.
func classify(operation string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	var exception *driver.Exception
	switch {
	case errors.As(err, &own):
		return fmt.Errorf("clickhouse: %s: %w", operation, err)
	case errors.As(err, &exception):
		kind, ok := kinds[int(exception.Code)]
		if !ok {
			kind = ErrRefused
		}
		return fmt.Errorf("clickhouse: %s: %w", operation, &Error{Kind: kind, Code: int(exception.Code), Message: exception.Message})
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("clickhouse: %s: %w", operation, err)
	case errors.Is(err, driver.ErrBatchInvalid), errors.As(err, new(*badColumn)):
		return fmt.Errorf("clickhouse: %s: %w: %w", operation, ErrRefused, err)
	}
	// Everything else is the way to the server: refused, reset, timed out, a proxy's page.
	return fmt.Errorf("clickhouse: %s: %w: %w", operation, ErrUnavailable, err)
}

// hasCode reports whether err is the server's exception with this code.
func hasCode(err error, code int) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
