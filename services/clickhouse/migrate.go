package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"text/template"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// Layout says how tables are made. The zero value is one server, embedded or not.
type Layout struct {
	// Cluster is the name of a cluster: DDL runs on all its servers and tables are replicated. The servers need
	// the macros {shard} and {replica}.
	Cluster string
}

// ErrMigrationChanged is returned when a file that was applied has other text now.
var ErrMigrationChanged = errors.New("clickhouse: an applied migration was changed")

// Migrate makes the database and applies the files migrations/*.sql (or *.sql) of fsys that were not applied yet,
// in the order of their names. A file is a Go template of statements, each ended by a semicolon:
//
//	{{.Database}}                          the database, quoted
//	{{.OnCluster}}                         empty, or ON CLUSTER 'name'
//	{{.Engine "ReplacingMergeTree" "v"}}   ReplacingMergeTree(v), or its replicated form
//	{{.DeduplicationWindow}}               the setting that remembers insert tokens
//
// Unqualified names mean the database. Every statement must be repeatable (IF NOT EXISTS, IF EXISTS):
// two processes that start at once, or one that died half-way, then apply the same statements twice, which
// ends in the same tables. ClickHouse has no lock that a crash would give back.
func (db *DB) Migrate(ctx context.Context, fsys fs.FS, layout Layout) error {
	files, err := readMigrations(fsys, db.database, layout)
	if err != nil {
		return err
	}
	if err := db.CreateDatabase(ctx, layout); err != nil {
		return err
	}
	create, err := render("migrations", `CREATE TABLE IF NOT EXISTS migrations {{.OnCluster}}
		(name String, checksum String, applied DateTime64(3, 'UTC'))
		ENGINE = {{.Engine "ReplacingMergeTree"}} ORDER BY name`, db.database, layout)
	if err != nil {
		return err
	}
	if err := db.Exec(ctx, create, nil); err != nil {
		return err
	}
	applied, err := db.appliedMigrations(ctx)
	if err != nil {
		return err
	}
	for _, f := range files {
		switch had, ok := applied[f.name]; {
		case ok && had != f.checksum:
			return fmt.Errorf("%w: %s", ErrMigrationChanged, f.name)
		case ok:
			continue
		}
		for i, statement := range f.statements {
			if err := db.Exec(ctx, statement, nil); err != nil {
				return fmt.Errorf("clickhouse: migrate: %s, statement %d: %w", f.name, i+1, err)
			}
		}
		if err := db.Exec(ctx, "INSERT INTO migrations SELECT {name:String}, {checksum:String}, {applied:DateTime64(3, 'UTC')}",
			Params{"name": f.name, "checksum": f.checksum, "applied": time.Now().UTC()}); err != nil {
			return err
		}
	}
	return nil
}

// CreateDatabase makes the database if it is absent; Migrate does so too.
func (db *DB) CreateDatabase(ctx context.Context, layout Layout) error {
	o := *db.options
	o.Auth.Database = "default"
	o.MaxOpenConns, o.MaxIdleConns = 1, 1
	conn, err := driver.Open(&o)
	if err != nil {
		return fmt.Errorf("clickhouse: migrate: %w", err)
	}
	statement, err := render("database", "CREATE DATABASE IF NOT EXISTS {{.Database}} {{.OnCluster}} ENGINE = Atomic", db.database, layout)
	if err != nil {
		return err
	}
	return errors.Join(classify("create database", conn.Exec(ctx, statement)), conn.Close())
}

func (db *DB) appliedMigrations(ctx context.Context) (map[string]string, error) {
	rows, err := db.Query(ctx, "SELECT name, checksum FROM migrations", nil, Limits{})
	if err != nil {
		return nil, err
	}
	applied := map[string]string{}
	for rows.Next() {
		var name, checksum string
		if err := rows.Scan(&name, &checksum); err != nil {
			return nil, err
		}
		applied[name] = checksum
	}
	return applied, errors.Join(rows.Err(), rows.Close())
}

type migration struct {
	name, checksum string
	statements     []string
}

func readMigrations(fsys fs.FS, database string, layout Layout) ([]migration, error) {
	names, err := fs.Glob(fsys, "migrations/*.sql")
	if err == nil && len(names) == 0 {
		names, err = fs.Glob(fsys, "*.sql")
	}
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("clickhouse: migrate: no *.sql files (%v)", err)
	}
	sort.Strings(names)
	var files []migration
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("clickhouse: migrate: %w", err)
		}
		rendered, err := render(name, string(text), database, layout)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		files = append(files, migration{
			name:       name[strings.LastIndexByte(name, '/')+1:],
			checksum:   hex.EncodeToString(sum[:]),
			statements: splitStatements(rendered),
		})
	}
	return files, nil
}

// fields are what a migration's template may use.
type fields struct {
	database string
	layout   Layout
}

func (f fields) Database() string { return QuoteName(f.database) }

func (f fields) OnCluster() string {
	if f.layout.Cluster == "" {
		return ""
	}
	return "ON CLUSTER " + QuoteName(f.layout.Cluster)
}

func (f fields) Engine(name string, args ...string) string {
	if f.layout.Cluster != "" {
		name = "Replicated" + name
		args = append([]string{"'/clickhouse/tables/{uuid}/{shard}'", "'{replica}'"}, args...)
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

func (f fields) DeduplicationWindow() string {
	if f.layout.Cluster != "" {
		return "replicated_deduplication_window"
	}
	return "non_replicated_deduplication_window"
}

// Render fills in a template of one or more statements as Migrate does, for tables that are made outside of migrations.
func (db *DB) Render(text string, layout Layout) ([]string, error) {
	rendered, err := render("statement", text, db.database, layout)
	if err != nil {
		return nil, err
	}
	return splitStatements(rendered), nil
}

func render(name, text, database string, layout Layout) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("clickhouse: migrate: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, fields{database, layout}); err != nil {
		return "", fmt.Errorf("clickhouse: migrate: %w", err)
	}
	return b.String(), nil
}
