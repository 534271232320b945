package importer

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/client"
)

// channels are read once: that takes longer than a batch.
var channels = sync.OnceValue(registry.Default)

// door stands for a server at the other end: it judges touchpoints as every server does and keeps one per id.
type door struct {
	*httptest.Server
	mu        sync.Mutex
	stored    map[string]touchpoint.Touchpoint
	content   map[string]touchpoint.Content
	conflicts int
	requests  atomic.Int64
	before    func(n int64, w http.ResponseWriter) bool // of request n, from 1; true: it has answered
	after     func(n int64, w http.ResponseWriter) bool // the same, when the touchpoints are stored
}

func openDoor(t *testing.T) *door {
	d := &door{stored: map[string]touchpoint.Touchpoint{}, content: map[string]touchpoint.Content{}}
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.Close)
	return d
}

func (d *door) serve(w http.ResponseWriter, r *http.Request) {
	n := d.requests.Add(1)
	if d.before != nil && d.before(n, w) {
		return
	}
	if r.URL.Path != "/v1/touchpoints" || r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]any{"title": "Unauthorized", "status": 401, "detail": "no such key"})
		return
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var a client.Answer
	s := bufio.NewScanner(z)
	s.Buffer(nil, 8<<20)
	o := &touchpoint.Options{Now: time.Now().UnixMilli(), Registry: channels()}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := 0; s.Scan(); i++ {
		line := append([]byte(nil), s.Bytes()...) // the touchpoint aliases it
		tp, content, ferr := touchpoint.Decode(line, o)
		if ferr != nil {
			a.Rejected = append(a.Rejected, client.Rejection{Index: i, ID: tp.ID, Field: ferr.Field, Reason: ferr.Reason})
			continue
		}
		a.Accepted++
		if old, ok := d.content[tp.ID]; ok && old != content {
			d.conflicts++
			continue
		}
		d.stored[tp.ID], d.content[tp.ID] = tp, content
	}
	if d.after != nil && d.after(n, w) {
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(a)
}

// config is for tests: patient, but not for long.
func (d *door) config(mapping string, files ...string) Config {
	c := DefaultConfig()
	c.Mapping, c.Files = mapping, files
	c.Client.URL, c.Client.Key = d.URL, "secret"
	c.Client.RetryFor, c.Client.Backoff = 20*time.Second, time.Millisecond
	return c
}
