// Package clickhouse is the store as the rest of the program sees it: migrate, insert whole columns with a
// token, query with parameters and limits. It is the only importer of clickhouse-go, and does not know
// whether the other side is the embedded engine, one server or a cluster.
package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// Config names the server.
type Config struct {
	// DSN is http://host:8123 or https://host:8443: ClickHouse's HTTP interface, which carries the same Native
	// blocks as port 9000 and is what the embedded engine speaks. Several hosts separated by commas, user
	// and password, and /database may be in it; parameters of the driver may follow (compress=lz4 for a slow network).
	DSN string
	// Database, User and Password replace what the DSN says, where not empty.
	Database, User, Password string
	// TLS is used for https and secure native connections; nil means the system's roots.
	TLS *tls.Config
	// MaxConns bounds the connections, and so the statements at the same time.
	MaxConns int
	// DialTimeout bounds one attempt to connect.
	DialTimeout time.Duration
}

// DefaultConfig returns the settings for the server at dsn.
func DefaultConfig(dsn string) Config {
	return Config{DSN: dsn, Database: "throughline", MaxConns: 16, DialTimeout: 5 * time.Second}
}

// Validate reports the first field out of its range.
func (c Config) Validate() error {
	switch {
	case c.DSN == "":
		return errors.New("clickhouse: DSN is empty")
	case c.MaxConns < 1:
		return fmt.Errorf("clickhouse: MaxConns %d is less than 1", c.MaxConns)
	case c.DialTimeout <= 0:
		return fmt.Errorf("clickhouse: DialTimeout %v is not positive", c.DialTimeout)
	}
	_, err := c.options()
	return err
}

func (c Config) options() (*driver.Options, error) {
	o, err := driver.ParseDSN(c.DSN)
	if err != nil {
		// The driver's error may repeat the DSN with its password.
		return nil, errors.New("clickhouse: the DSN cannot be parsed")
	}
	if o.Protocol != driver.HTTP {
		return nil, errors.New("clickhouse: the DSN must name the HTTP interface: http://host:8123 or https://host:8443")
	}
	if c.Database != "" {
		o.Auth.Database = c.Database
	}
	if o.Auth.Database == "" {
		o.Auth.Database = "default"
	}
	if c.User != "" {
		o.Auth.Username = c.User
	}
	if c.Password != "" {
		o.Auth.Password = c.Password
	}
	if c.TLS != nil {
		o.TLS = c.TLS
	}
	o.MaxOpenConns, o.MaxIdleConns = c.MaxConns, c.MaxConns
	o.DialTimeout = c.DialTimeout
	// Statements have deadlines of their own; the driver's default would cut a long migration.
	o.ReadTimeout = 30 * time.Minute
	if o.Settings == nil {
		o.Settings = driver.Settings{}
	}
	return o, nil
}

// DB is the store. It is safe for concurrent use.
type DB struct {
	conn     driver.Conn
	options  *driver.Options
	database string

	mu    sync.Mutex
	types map[string]map[string]string // table -> column -> type, for inserts
}

// Open connects. It returns ErrUnavailable when the server does not answer, so that the caller may wait for it;
// a database that does not exist yet is no error, Migrate makes it.
func Open(ctx context.Context, c Config) (*DB, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	o, err := c.options()
	if err != nil {
		return nil, err
	}
	conn, err := driver.Open(o)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: open: %w", err)
	}
	db := &DB{conn: conn, options: o, database: o.Auth.Database, types: map[string]map[string]string{}}
	if err := db.Ping(ctx); err != nil && !hasCode(err, unknownDatabase) {
		_ = conn.Close()
		return nil, err
	}
	return db, nil
}

const unknownDatabase = 81

// Database is the name of the database that unqualified table names mean.
func (db *DB) Database() string { return db.database }

// Ping asks the server for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	return classify("ping", db.conn.Ping(ctx))
}

// Exec runs a statement that gives no rows: DDL, SYSTEM, INSERT ... SELECT.
func (db *DB) Exec(ctx context.Context, statement string, params Params) error {
	return classify("exec", db.conn.Exec(ctx, statement, params.arguments()...))
}

// Close closes the connections.
func (db *DB) Close() error { return db.conn.Close() }
