package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/identity"
)

const key = "crash-suite-key"

// load sends touchpoints from several clients, each of which repeats a batch, with the same ids, until it is
// acknowledged; now and then it repeats one that was. What is acknowledged is written down.
type load struct {
	url     string // where touchpoints go
	people  string // where users say what they see
	seed    uint64
	clients int

	acked    sync.Map // id -> struct{}
	count    atomic.Int64
	resent   atomic.Int64
	said     atomic.Int64 // words of users that are on the log for sure
	answered atomic.Value // what the last user was told
}

func (l *load) run(ctx context.Context) {
	var wg sync.WaitGroup
	for c := range l.clients {
		wg.Go(func() { l.client(ctx, c) })
	}
	for u := range users {
		wg.Go(func() { l.user(ctx, u) })
	}
	wg.Wait()
}

func (l *load) client(ctx context.Context, c int) {
	rng := rand.New(rand.NewPCG(l.seed, uint64(c)))
	http := &http.Client{Timeout: 10 * time.Second}
	var last []byte
	for batch := 0; ctx.Err() == nil; batch++ {
		body, ids := l.batch(rng, c, batch)
		if !l.send(ctx, http, body) {
			return
		}
		for _, id := range ids {
			l.acked.Store(id, struct{}{})
		}
		l.count.Add(int64(len(ids)))
		if last != nil && rng.IntN(8) == 0 {
			l.resent.Add(1)
			if !l.send(ctx, http, last) {
				return
			}
		}
		last = body
	}
}

// send repeats the body until it is acknowledged; false when ctx ended first.
func (l *load) send(ctx context.Context, client *http.Client, body []byte) bool {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+"/v1/touchpoints", bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err == nil {
			answer, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusAccepted {
				var a struct {
					Rejected []any `json:"rejected"`
				}
				if err := json.Unmarshal(answer, &a); err == nil {
					if len(a.Rejected) > 0 {
						panic(fmt.Sprintf("the load is valid, but was refused: %s", answer))
					}
					return true
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// regulars are customers who come often, so that users have something to say about them.
const regulars = 20

const users = 3

// user says things all the time.
func (l *load) user(ctx context.Context, u int) {
	rng := rand.New(rand.NewPCG(l.seed, uint64(1000+u)))
	for client := (&http.Client{}); ctx.Err() == nil; {
		l.say(ctx, client, rng)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// heard waits until some users were answered: while everything is being killed few are.
func (l *load) heard(tb testing.TB) {
	tb.Helper()
	for deadline := time.Now().Add(5 * time.Minute); l.said.Load() < 5; {
		if time.Now().After(deadline) {
			tb.Fatalf("%d users were answered in five minutes without kills; the last was told %v", l.said.Load(), l.answered.Load())
		}
		select {
		case <-tb.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// say lets a user merge or split customers of the crowd. Whether it was said, and what came of it, is for the audit to find
// out: nobody who is killed answers.
func (l *load) say(ctx context.Context, client *http.Client, rng *rand.Rand) {
	customer := rng.IntN(regulars)
	path, word := "/v1/people/merge", map[string]any{
		"a": fmt.Sprintf("email:c%d@example.com", customer), "b": fmt.Sprintf("email:c%d@example.com", (customer+1)%regulars), "reason": "looked alike",
	}
	if rng.IntN(2) == 0 {
		path, word = "/v1/people/split", map[string]any{
			"person": fmt.Sprintf("email:c%d@example.com", customer), "identifiers": []string{fmt.Sprintf("cookie:cookie-%d", customer*3+rng.IntN(3))}, "reason": "a library's computer",
		}
	}
	began := time.Now()
	status, answer := l.ask(ctx, client, http.MethodPost, path, word)
	if status == http.StatusOK || status == http.StatusAccepted {
		l.said.Add(1)
	}
	l.answered.Store(fmt.Sprintf("%s %d %.300s after %s", path, status, answer, time.Since(began).Round(time.Millisecond)))
}

// ask makes one request of the API; the status is 0 when there was no answer.
func (l *load) ask(ctx context.Context, client *http.Client, method, path string, word map[string]any) (status int, answer []byte) {
	body, err := json.Marshal(word)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 6*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, l.people+path, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = res.Body.Close() }()
	answer, _ = io.ReadAll(res.Body)
	return res.StatusCode, answer
}

// newRules rehearses rules by which a person has fewer identifiers, and promotes them without waiting for what comes of it.
func (l *load) newRules(tb testing.TB) {
	tb.Helper()
	const path = "/v1/identity/rehearsals"
	rules := strings.Replace(identity.DefaultRules().YAML(), "max_identifiers: 10000", "max_identifiers: 3", 1)
	status, answer := l.ask(tb.Context(), http.DefaultClient, http.MethodPost, path, map[string]any{"rules": rules})
	var rehearsal struct{ ID, Status string }
	if err := json.Unmarshal(answer, &rehearsal); err != nil || status != http.StatusAccepted {
		tb.Fatalf("rehearse: %d %s", status, answer)
	}
	for rehearsal.Status == "running" {
		status, answer = l.ask(tb.Context(), http.DefaultClient, http.MethodGet, path+"/"+rehearsal.ID, nil)
		if err := json.Unmarshal(answer, &rehearsal); err != nil || status != http.StatusOK {
			tb.Fatalf("rehearsal: %d %s", status, answer)
		}
	}
	short, cancel := context.WithTimeout(tb.Context(), 300*time.Millisecond)
	defer cancel()
	status, answer = l.ask(short, http.DefaultClient, http.MethodPost, path+"/"+rehearsal.ID, map[string]any{"action": "promote", "reason": "smaller persons"})
	if status != 0 && status != http.StatusOK && status != http.StatusAccepted {
		tb.Fatalf("promote: %d %s", status, answer)
	}
}

// batch makes touchpoints of a small crowd, whose members come in under several identifiers and threads, so that people
// merge, conversations join and threads change hands while things are being killed.
func (l *load) batch(rng *rand.Rand, client, n int) (body []byte, ids []string) {
	type m = map[string]any
	channels := []string{"email", "chat", "phone", "whatsapp", "store"}
	kinds := []string{"message", "message", "message", "message", "conversation.resolved", "note", "page.viewed"}
	var out []m
	for i := range 1 + rng.IntN(40) {
		id := fmt.Sprintf("c%d-%d-%d", client, n, i)
		customer := rng.IntN(400)
		if rng.IntN(4) == 0 {
			customer %= regulars
		}
		t := m{
			"id": id, "time": 1_760_000_000_000 + rng.Int64N(40*24*3600_000), "channel": channels[rng.IntN(len(channels))],
			"direction": "inbound", "kind": kinds[rng.IntN(len(kinds))], "actor": m{"type": "customer"},
			"text": fmt.Sprintf("message %d of client %d", n, client), "topic": fmt.Sprintf("t%d", rng.IntN(5)),
		}
		if rng.IntN(3) == 0 {
			t["direction"], t["actor"] = "outbound", m{"type": "agent", "id": fmt.Sprintf("agent-%d", rng.IntN(20))}
		}
		var identifiers []m
		if rng.IntN(3) > 0 {
			identifiers = append(identifiers, m{"type": "email", "value": fmt.Sprintf("c%d@example.com", customer), "verified": true})
		}
		if rng.IntN(3) == 0 {
			identifiers = append(identifiers, m{"type": "customer_id", "value": fmt.Sprint(customer), "verified": true})
		}
		if rng.IntN(4) == 0 {
			identifiers = append(identifiers, m{"type": "cookie", "value": fmt.Sprintf("cookie-%d", customer*3+rng.IntN(3)), "verified": true})
		}
		if len(identifiers) > 0 {
			t["identifiers"] = identifiers
		}
		switch {
		case len(identifiers) == 0 || rng.IntN(4) == 0:
			t["thread"] = []string{fmt.Sprintf("session:%d-%d", customer, rng.IntN(4))}
		case rng.IntN(3) == 0:
			t["thread"] = []string{fmt.Sprintf("ticket:%d-%d", customer, rng.IntN(3))}
		}
		out = append(out, t)
		ids = append(ids, id)
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return body, ids
}

// writeAcknowledged writes the acknowledged ids into a file, one a line.
func (l *load) writeAcknowledged(tb testing.TB) string {
	tb.Helper()
	var ids bytes.Buffer
	l.acked.Range(func(id, _ any) bool {
		ids.WriteString(id.(string))
		ids.WriteByte('\n')
		return true
	})
	path := filepath.Join(tb.TempDir(), "acknowledged")
	if err := os.WriteFile(path, ids.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
