package rebuild_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	schema "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/services/rebuild"
	"github.com/throughline/throughline/services/topics"
	"github.com/throughline/throughline/services/workspaces"
)

// A rebuild that is killed after reads switched leaves nothing for ever: the next one drops what was read before.
func TestKilledBetweenSwitchAndDrop(t *testing.T) {
	db := clickhousetest.Start(t)
	if err := db.Migrate(t.Context(), schema.Migrations, clickhouse.Layout{}); err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.Start(t, topics.Specs(topic.First, 2, 0)...)
	config := workspaces.DefaultConfig()
	config.Kafka = cluster.Config()
	config.Every = 10 * time.Millisecond
	following, stop := context.WithCancel(t.Context())
	follow := func() *workspaces.Directory {
		d, err := workspaces.NewDirectory(config)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { _ = d.Run(following); close(done) }()
		t.Cleanup(func() { stop(); <-done; d.Close() })
		if err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d
	}
	admin := cluster.Admin(t)
	run := func(ctx context.Context, progress func(string)) error {
		c := rebuild.Config{Admin: admin, Store: db, Directory: follow(), Patience: 10 * time.Second, Progress: progress}
		return rebuild.Run(ctx, c, rebuild.Conversations)
	}
	left := func(g topic.Generations) (left []string) {
		t.Helper()
		rows, err := db.Query(t.Context(), "SELECT name FROM system.tables WHERE database = currentDatabase()", nil, clickhouse.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			if tables := schema.TablesOf(g); name == tables.Conversations || name == tables.Moved || name == tables.Touchpoints {
				left = append(left, name)
			}
		}
		all, err := admin.Topics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if name := topic.Conversations.In(g); all[name] > 0 {
			left = append(left, name)
		}
		return left
	}
	if err := run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	second := topic.Generations{Identity: 1, Conversation: 2, Store: 2}
	if names := left(second); len(names) != 4 {
		t.Fatalf("what is read now: %v", names)
	}

	killed, kill := context.WithCancel(t.Context())
	err := run(killed, func(what string) {
		if strings.HasPrefix(what, "dropping") {
			kill()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("killed: %v", err)
	}
	d := follow()
	third := topic.Generations{Identity: 1, Conversation: 3, Store: 3}
	if current, _ := d.Generations(); current != third || d.Dropping() == nil || *d.Dropping() != second {
		t.Fatalf("killed after the switch: %+v is read, %+v to be dropped", current, d.Dropping())
	}
	if names := left(second); len(names) != 4 {
		t.Fatalf("dropped before the kill: %v", names)
	}

	if err := run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if names := append(left(second), left(third)...); len(names) > 0 {
		t.Errorf("left for ever: %v", names)
	}
	if d := follow().Dropping(); d != nil {
		t.Errorf("%+v is still to be dropped", *d)
	}
}
