package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

const testKey = "end-to-end-key-0123456789"

// up is a running `throughline up`.
type up struct {
	*program.Process
	tb                testing.TB
	url, key, data    string
	kafka, clickhouse string // listeners for others
	arguments         []string
	client            *http.Client
	readyAfter        time.Duration
}

// startUp starts everything on an empty folder and waits until it is ready.
func startUp(tb testing.TB) *up {
	tb.Helper()
	u := newUp(tb, tb.TempDir())
	u.start()
	return u
}

func newUp(tb testing.TB, data string) *up {
	tb.Helper()
	program.Path(tb) // what follows is not to wait for the compiler
	listen := program.FreeAddress(tb)
	u := &up{tb: tb, url: "http://" + listen, key: testKey, data: data, kafka: program.FreeAddress(tb), clickhouse: program.FreeAddress(tb), client: &http.Client{Timeout: time.Minute}}
	u.arguments = []string{"up", "--data", data, "--listen", listen, "--key", u.key, "--kafka-listen", u.kafka, "--clickhouse-listen", u.clickhouse}
	return u
}

// start starts it, or starts it again after it ended.
func (u *up) start() {
	u.tb.Helper()
	began := time.Now()
	u.Process = program.Start(u.tb, "up", u.arguments...)
	u.Ready(u.tb, u.url+"/readyz")
	u.readyAfter = time.Since(began)
}

// as is the same server for the holder of another key.
func (u *up) as(key string) *up {
	other := *u
	other.key = key
	return &other
}

// answer is what came back on a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request sends a request with the key; an error is one of the way to the server.
func (u *up) request(method, path string, header map[string]string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(u.tb.Context(), method, u.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+u.key)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := u.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, got}, err
}

// get reads the JSON of path into a T; any other answer than 200 fails the test.
func get[T any](u *up, path string) T {
	u.tb.Helper()
	out, err := ask[T](u, path)
	if err != nil {
		u.tb.Fatal(err)
	}
	return out
}

// ask is get for goroutines, which must not end the test.
func ask[T any](u *up, path string) (out T, err error) {
	a, err := u.request(http.MethodGet, path, nil, nil)
	switch {
	case err != nil:
		return out, err
	case a.status != http.StatusOK:
		return out, fmt.Errorf("GET %s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &out); err != nil {
		return out, fmt.Errorf("GET %s: %w: %s", path, err, a.body)
	}
	return out, nil
}

// findPerson is the path of the person behind an identifier.
func findPerson(identifier string) string {
	return "/v1/people?identifier=" + url.QueryEscape(identifier)
}

// m is a JSON object.
type m = map[string]any

// post sends a body and wants so many touchpoints accepted and none refused.
func (u *up) post(header map[string]string, body []byte, accepted int) {
	u.tb.Helper()
	a, err := u.request(http.MethodPost, "/v1/touchpoints", header, body)
	if err != nil {
		u.tb.Fatal(err)
	}
	var got struct {
		Accepted int
		Rejected []any
	}
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusAccepted || got.Accepted != accepted || len(got.Rejected) > 0 {
		u.tb.Fatalf("want %d accepted, got %d %s", accepted, a.status, a.body)
	}
}

var asJSON = map[string]string{"Content-Type": "application/json"}

// send sends touchpoints as one array.
func (u *up) send(touchpoints ...m) {
	u.tb.Helper()
	u.post(asJSON, encode(touchpoints), len(touchpoints))
}

func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// settle waits until everything that was accepted is derived and stored, and asks the audit whether it is as it should.
func (u *up) settle() auditReport {
	u.tb.Helper()
	report, r := audit(u.tb, "--url", u.url, "--key", u.key)
	if r.Code != 0 {
		u.tb.Fatalf("audit: %s", r)
	}
	return report
}

type auditReport struct {
	Touchpoints, Duplicates, Conflicts, People, Conversations, Moving int
	Count                                                             int `json:"difference_count"`
	Differences                                                       []string
}

func audit(tb testing.TB, where ...string) (report auditReport, r program.Result) {
	tb.Helper()
	r = program.Command(tb, append([]string{"audit"}, where...)...)
	if start := strings.Index(r.Stdout, "{"); start >= 0 {
		if err := json.Unmarshal([]byte(r.Stdout[start:]), &report); err != nil {
			tb.Fatalf("audit: %v: %s", err, r)
		}
	}
	return report, r
}

// eventually tries until f returns nil.
func eventually(tb testing.TB, patience time.Duration, f func() error) time.Duration {
	tb.Helper()
	began := time.Now()
	for {
		err := f()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > patience {
			tb.Fatalf("not after %s: %v", patience, err)
		}
		select {
		case <-tb.Context().Done():
			tb.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// run runs a command of the program, which must succeed.
func run(tb testing.TB, args ...string) program.Result {
	tb.Helper()
	r := program.Command(tb, args...)
	if r.Code != 0 {
		tb.Fatalf("%s: %s", args[0], r)
	}
	return r
}

// server are the flags by which commands find the server.
func (u *up) server() []string { return []string{"--url", u.url, "--key", u.key} }
