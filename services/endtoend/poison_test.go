package endtoend

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// Records that nobody can read stand in every topic: nothing stops, and dead letters say where they are.
func TestPoison(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	u.send(crowd(11, "crowd-", 300)...)
	u.settle()
	garbage := [][]byte{[]byte("\x00\xffgarbage"), []byte("{}"), []byte(`{"workspace":"default","id":7}`), {1}, []byte(strings.Repeat("x", 100_000)), nil}
	for _, row := range topic.Table {
		for _, value := range garbage {
			produce(t, u, &kafka.Record{Topic: string(row.Name), Value: value})
		}
	}
	works := func(id string) {
		t.Helper()
		email := id + "@example.com"
		began := time.Now()
		u.send(message(id, email, m{"time": "2026-05-05T10:00:00Z"}))
		eventually(t, 60*time.Second, func() error {
			p, err := ask[struct{ Touchpoints, Conversations int }](u, findPerson("email:"+email))
			if err == nil && (p.Touchpoints != 1 || p.Conversations != 1) {
				err = fmt.Errorf("%+v", p)
			}
			return err
		})
		t.Logf("%s was seen after %s", id, time.Since(began).Round(time.Millisecond))
	}
	works("after")
	byTopic := map[string]int{}
	for _, l := range lettersOf(u) {
		name, rest, _ := strings.Cut(l.Position, "/")
		byTopic[name]++
		if l.Source == "log" && strings.Count(rest, "/") != 1 || l.Reason == "" {
			t.Errorf("%+v", l)
		}
	}
	t.Logf("dead letters by topic: %v", byTopic)
	for _, row := range topic.Table {
		switch row.Name {
		case topic.Seen, topic.Workspaces, topic.Rehearsals, topic.Transfers: // memory, keys, answers and claims, which nobody can send again
		default:
			if byTopic[string(row.Name)] == 0 {
				t.Errorf("the garbage in %s is in no dead letter", row.Name)
			}
		}
	}
	if report := u.settle(); report.Touchpoints != 301 {
		t.Errorf("%+v", report)
	}
	u.Stop(t)
	u.start()
	works("after-restart")
	u.Kill()
	u.start()
	works("after-kill")
	run(t, append([]string{"rebuild", "identity"}, u.server()...)...)
	works("after-rebuild")
	u.settle()
}
