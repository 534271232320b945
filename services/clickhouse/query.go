package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	native "github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Params are the values of a statement's {name:Type} parameters. The server puts them in, as data: a value
// never becomes text of the statement. Slices fill Array types, time.Time fills DateTime64.
type Params map[string]any

func (p Params) arguments() []any {
	args := make([]any, 0, len(p))
	for name, value := range p {
		args = append(args, driver.Named(name, value))
	}
	return args
}

// Limits bound a query; zero means no bound of that kind.
type Limits struct {
	MaxTime   time.Duration // of running, rounded up to whole seconds by the server's granularity; ErrTooSlow
	MaxMemory int64         // bytes of the whole query; ErrTooLarge
	MaxRows   int64         // rows of the result; ErrTooLarge
	Threads   int           // of one query; 0: as many as the server has cores
}

func (l Limits) settings() driver.Settings {
	s := driver.Settings{}
	if l.MaxTime > 0 {
		s["max_execution_time"] = max(1, int((l.MaxTime+time.Second-1)/time.Second))
		s["timeout_before_checking_execution_speed"] = 0
	}
	if l.MaxMemory > 0 {
		s["max_memory_usage"] = l.MaxMemory
	}
	if l.Threads > 0 {
		s["max_threads"] = l.Threads
	}
	if l.MaxRows > 0 {
		s["max_result_rows"] = l.MaxRows
		s["result_overflow_mode"] = "throw"
	}
	return s
}

// Query runs a query. The rows must be closed; their errors, which may come late, are classified like Query's own.
// A connection that the server has closed meanwhile (it was restarted) is replaced, within ctx.
func (db *DB) Query(ctx context.Context, sql string, params Params, limits Limits) (*Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, classify("query", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if limits.MaxTime == 0 || left < limits.MaxTime {
			limits.MaxTime = left
		}
	}
	settings := limits.settings()
	// The driver derives a max_execution_time of its own from a deadline, five seconds too long: hide it.
	inner := driver.Context(withoutDeadline{ctx}, driver.WithSettings(settings))
	for attempt := 1; ; attempt++ {
		rows, err := db.conn.Query(inner, sql, params.arguments()...)
		switch {
		case err == nil:
			return &Rows{rows}, nil
		case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("clickhouse: query: %w: %w", db.slowness(), err)
		case attempt < 3 && brokenConnection(err):
			continue
		}
		return nil, classify("query", err)
	}
}

// pingTime is how long a server that works takes for its simplest answer, at most.
const pingTime = time.Second

// slowness tells why a query met its deadline: the query was too slow, or the server answers nobody. Only in the
// first case would a smaller question help.
func (db *DB) slowness() error {
	ctx, cancel := context.WithTimeout(context.Background(), pingTime)
	defer cancel()
	if db.Ping(ctx) != nil {
		return ErrUnavailable
	}
	return ErrTooSlow
}

// withoutDeadline still ends when its parent does, but does not say when.
type withoutDeadline struct{ context.Context }

func (withoutDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }

// brokenConnection says that an idle connection turned out to be dead when it was used.
func brokenConnection(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "server closed idle connection")
}

// Rows is the result of a query.
type Rows struct{ rows native.Rows }

// Next moves to the next row; false at the end or on an error, see Err.
func (r *Rows) Next() bool { return r.rows.Next() }

// Scan copies the columns of the row into what dest points at.
func (r *Rows) Scan(dest ...any) error { return classify("scan", r.rows.Scan(dest...)) }

// Columns names the columns.
func (r *Rows) Columns() []string { return r.rows.Columns() }

// Types names the ClickHouse types of the columns.
func (r *Rows) Types() []string {
	var types []string
	for _, t := range r.rows.ColumnTypes() {
		types = append(types, t.DatabaseTypeName())
	}
	return types
}

// Err returns the error that ended Next.
func (r *Rows) Err() error { return classify("read rows", r.rows.Err()) }

// Close ends the query, whether or not all its rows were read.
func (r *Rows) Close() error { return classify("close rows", r.rows.Close()) }

// One runs a query that must give exactly one row and scans it into dest; sql.ErrNoRows has no place here:
// found is false when there is none.
func (db *DB) One(ctx context.Context, sql string, params Params, limits Limits, dest ...any) (found bool, err error) {
	rows, err := db.Query(ctx, sql, params, limits)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	for rows.Next() {
		return true, errors.New("clickhouse: query gave more than one row")
	}
	return true, rows.Err()
}
