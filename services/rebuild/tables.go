package rebuild

import (
	"context"
	"fmt"
	"strings"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
)

// These make the dictionaries of generation 1, and the views that people ask; those of later generations differ in names only.
const (
	movedMigration = "migrations/0002_moved.sql"
	nowMigration   = "migrations/0004_now.sql"
)

// makeTables makes the tables of a generation in the shape that those of generation 1 have now, and their dictionaries.
func makeTables(ctx context.Context, db *clickhouse.DB, layout clickhouse.Layout, g topic.Generations) error {
	first, next := tables.TablesOf(topic.First), tables.TablesOf(g)
	onCluster := ""
	if layout.Cluster != "" {
		onCluster = " ON CLUSTER " + clickhouse.QuoteName(layout.Cluster)
	}
	shapes := first.Copied()
	for i, name := range next.Copied() {
		statement := fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s AS %s", clickhouse.QuoteName(name), onCluster, clickhouse.QuoteName(shapes[i]))
		if err := db.Exec(ctx, statement, nil); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	renamed := strings.NewReplacer("EXISTS "+first.Moved+" ", "EXISTS "+next.Moved+" ", "EXISTS "+first.MovedLately+" ", "EXISTS "+next.MovedLately+" ",
		"."+first.Identities, "."+next.Identities, "."+first.Recent, "."+next.Recent)
	if err := execRenamed(ctx, db, layout, movedMigration, renamed); err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	return nil
}

// turnViews leads the names that people and BI tools ask to the tables of a generation. Each is replaced in one step.
func turnViews(ctx context.Context, db *clickhouse.DB, layout clickhouse.Layout, g topic.Generations) error {
	var pairs []string
	first, next := tables.TablesOf(topic.First), tables.TablesOf(g)
	to := append(next.Copied(), next.Moved, next.MovedLately)
	for i, name := range append(first.Copied(), first.Moved, first.MovedLately) {
		for _, end := range []string{" ", ";", ","} { // whole names: one begins with another
			pairs = append(pairs, "{{.Database}}."+name+end, "{{.Database}}."+to[i]+end)
		}
	}
	if err := execRenamed(ctx, db, layout, nowMigration, strings.NewReplacer(pairs...)); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	return nil
}

// execRenamed applies a migration with other names in it.
func execRenamed(ctx context.Context, db *clickhouse.DB, layout clickhouse.Layout, migration string, renamed *strings.Replacer) error {
	text, err := tables.Migrations.ReadFile(migration)
	if err != nil {
		return err
	}
	statements, err := db.Render(renamed.Replace(string(text)), layout)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if err := db.Exec(ctx, statement, nil); err != nil {
			return err
		}
	}
	return nil
}

// dropTables empties or drops what only the old generation has. The tables of generation 1 stay, empty: later ones take
// their shape from them, and so do migrations.
func dropTables(ctx context.Context, db *clickhouse.DB, layout clickhouse.Layout, old, next topic.Generations) error {
	was, is, first := tables.TablesOf(old), tables.TablesOf(next), tables.TablesOf(topic.First)
	onCluster := ""
	if layout.Cluster != "" {
		onCluster = " ON CLUSTER " + clickhouse.QuoteName(layout.Cluster)
	}
	keep := map[string]bool{}
	for _, name := range is.Copied() {
		keep[name] = true
	}
	if was.Moved != is.Moved && was.Moved != first.Moved {
		for _, name := range []string{was.MovedLately, was.Moved} {
			if err := db.Exec(ctx, "DROP DICTIONARY IF EXISTS "+clickhouse.QuoteName(name)+onCluster, nil); err != nil {
				return fmt.Errorf("dictionary %s: %w", name, err)
			}
		}
	}
	shapes := first.Copied()
	for i, name := range was.Copied() {
		if keep[name] {
			continue
		}
		statement := "DROP TABLE IF EXISTS "
		if name == shapes[i] {
			statement = "TRUNCATE TABLE "
		}
		if err := db.Exec(ctx, statement+clickhouse.QuoteName(name)+onCluster, nil); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	return nil
}
