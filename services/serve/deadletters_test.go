package serve

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
)

type lettersAnswer struct {
	DeadLetters []struct{ ID, Status, Source, Bytes string } `json:"dead_letters"`
	Next        string
}

// refuse stores a dead letter and returns its id.
func (f *fixture) refuse(position string, r row) string {
	f.tb.Helper()
	id := touchpoint.RejectedID("ours", position)
	all := row{"workspace": "ours", "id": id, "version": 1, "time": at("2026-11-01T09:00:00Z"), "source": "http", "position": position,
		"touchpoint": "", "field": "channel", "reason": "unknown channel", "bytes": "{}", "status": "kept"}
	for k, v := range r {
		all[k] = v
	}
	f.insert("rejected", all)
	return id
}

func TestDeadLetters(t *testing.T) {
	f := start(t)
	var want []string
	for i := range 7 {
		id := f.refuse(fmt.Sprint("http/", i), row{"time": at("2026-11-01T09:00:00Z").Add(time.Duration(i/2) * time.Hour)})
		want = append(want, id)
	}
	raw := f.refuse("touchpoints.raw/0/1", row{"time": at("2026-10-01T09:00:00Z"), "source": "raw", "field": "time", "bytes": "\xff\x00{"})
	f.refuse("http/0", row{"version": 2, "status": "resent"})
	want = append(want, raw)
	var paged []string
	next := ""
	for {
		page := decode[lettersAnswer](t, f.get(200, "/v1/dead-letters?limit=2"+next))
		for _, d := range page.DeadLetters {
			paged = append(paged, d.ID)
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	if paged[len(paged)-1] != raw {
		t.Errorf("the oldest comes last: %q", paged)
	}
	slices.Sort(want)
	slices.Sort(paged)
	if !slices.Equal(paged, want) {
		t.Errorf("%q, want %q", paged, want)
	}
	for query, n := range map[string]int{"": 8, "?status=kept": 7, "?status=resent": 1, "?source=raw": 1, "?source=raw&source=http": 8, "?field=time": 1, "?source=conflict": 0} {
		if got := decode[lettersAnswer](t, f.get(200, "/v1/dead-letters"+query)); len(got.DeadLetters) != n {
			t.Errorf("%s: %d, want %d", query, len(got.DeadLetters), n)
		}
	}
	one := decode[struct {
		Bytes, Reason string
		Text          *string
		Size          int
	}](t, f.get(200, "/v1/dead-letters/"+raw))
	if bytes, err := base64.StdEncoding.DecodeString(one.Bytes); err != nil || string(bytes) != "\xff\x00{" || one.Text != nil || one.Size != 3 {
		t.Errorf("bytes %+v", one)
	}
	f.get(400, "/v1/dead-letters/1")
	f.get(404, "/v1/dead-letters/"+strings.Repeat("0", 32))
	f.get(400, "/v1/dead-letters?status=lost")
}

func TestResend(t *testing.T) {
	f := start(t)
	good := `{"id": "late", "time": "2026-11-01T09:00:00Z", "channel": "email", "direction": "inbound", "kind": "message", "actor": {"type": "customer"}, "identifiers": [{"type": "email", "value": "anna@example.com"}]}`
	bad := strings.Replace(good, "email", "e-mail", 1)
	resend := func(want int, id, body string) string {
		t.Helper()
		answer := f.do(http.MethodPost, "ours-key", "/v1/dead-letters/"+id+"/resend", strings.NewReader(body), "Content-Type", "application/json")
		said, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != want {
			t.Fatalf("%d, want %d: %s", answer.StatusCode, want, said)
		}
		return string(said)
	}
	id := f.refuse("http/1", row{"bytes": bad})
	if said := resend(422, id, ""); !strings.Contains(said, `"field":"channel"`) {
		t.Errorf("refused again: %s", said)
	}
	resend(422, id, "not JSON")
	resend(404, strings.Repeat("0", 32), good)
	resend(413, id, strings.Repeat(" ", 1<<20))
	if n := len(f.cluster.Records(t, string(topic.Touchpoints))); n != 0 {
		t.Fatalf("%d touchpoints on the log", n)
	}
	if said := resend(202, id, good); !strings.Contains(said, `"id":"late"`) {
		t.Errorf("repaired: %s", said)
	}
	if n := len(f.cluster.Records(t, string(topic.Touchpoints))); n != 1 {
		t.Errorf("%d touchpoints on the log", n)
	}
	letters := f.cluster.Records(t, string(topic.Rejected))
	if len(letters) != 1 {
		t.Fatalf("%d dead letters on the log", len(letters))
	}
	d, err := touchpoint.DecodeRejected(letters[0].Value)
	if err != nil || d.ID != id || d.Version != 2 || d.Status != touchpoint.Resent {
		t.Errorf("%v %+v", err, d)
	}
	f.refuse("http/1", row{"version": 2, "status": "resent"})
	resend(409, id, good)
}
