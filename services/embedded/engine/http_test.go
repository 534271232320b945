package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestHTTPInterface(t *testing.T) {
	p := startProcess(t, t.TempDir(), func(c *ProcessConfig) { c.ResultBytes = 1 << 20 })
	dsn := p.DSN()
	mustAsk(t, dsn, "CREATE DATABASE d ENGINE = Atomic")
	mustAsk(t, dsn, "CREATE TABLE d.a (n UInt64, s String) ENGINE = MergeTree ORDER BY n")

	if _, text := get(t, dsn+"/ping", nil, nil); text != "Ok.\n" {
		t.Errorf("ping: %q", text)
	}
	for _, c := range []struct {
		name   string
		values url.Values
		want   string
	}{
		{"query in the URL", url.Values{"query": {"SELECT 1, 'a\tb'"}}, "1\ta\\tb\n"},
		{"FORMAT", url.Values{"query": {"SELECT 1 AS x FORMAT JSONEachRow"}}, "{\"x\":1}\n"},
		{"default format", url.Values{"query": {"SELECT 1 AS x"}, "default_format": {"CSVWithNames"}}, "\"x\"\n1\n"},
		{"parameter", url.Values{"query": {"SELECT {a:String}, {b:Array(UInt8)}"}, "param_a": {"it's; \\t"}, "param_b": {"[1,2]"}}, "it\\'s; \\t\t[1,2]\n"},
		{"setting", url.Values{"query": {"SELECT getSetting('max_block_size')"}, "max_block_size": {"77"}}, "77\n"},
		{"setting is gone", url.Values{"query": {"SELECT getSetting('max_block_size') != 77"}}, "1\n"},
		{"database", url.Values{"query": {"SELECT currentDatabase()"}, "database": {"d"}}, "d\n"},
		{"database is gone", url.Values{"query": {"SELECT currentDatabase()"}}, "default\n"},
		{"SET does not last", url.Values{"query": {"SET max_block_size = 78"}}, ""},
		{"it is gone", url.Values{"query": {"SELECT getSetting('max_block_size') != 78"}}, "1\n"},
	} {
		if r, text := get(t, dsn, c.values, nil); text != c.want || r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %q, want %q", c.name, r.StatusCode, text, c.want)
		}
	}
	for query, want := range map[string][2]string{
		"SELEC 1":                 {"400", "62"},
		"SELECT * FROM d.nothing": {"404", "60"},
		"SELECT sleepEachRow(1) FROM numbers(9) SETTINGS max_execution_time = 1, max_block_size = 1": {"500", "159"},
		"SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 1000000":      {"503", "241"},
		"SELECT * FROM numbers(100000000)": {"500", "396"},
	} {
		r, text := get(t, dsn, url.Values{"query": {query}}, nil)
		if fmt.Sprint(r.StatusCode) != want[0] || r.Header.Get("X-ClickHouse-Exception-Code") != want[1] || !strings.HasPrefix(text, "Code: "+want[1]+". DB::Exception: ") {
			t.Errorf("%s: %s, code %s: %.200s", query, r.Status, r.Header.Get("X-ClickHouse-Exception-Code"), text)
		}
	}
	if r, text := get(t, dsn, url.Values{"query": {"SELECT 1"}, "no_such_setting": {"1"}}, nil); r.Header.Get("X-ClickHouse-Exception-Code") != "115" {
		t.Errorf("unknown setting: %s", text)
	}
	// The refused settings and the failed statements have left nothing behind.
	if got := mustAsk(t, dsn, "SELECT count() FROM system.settings WHERE name IN ('max_block_size', 'max_memory_usage', 'max_execution_time') AND changed"); got != "0" {
		t.Errorf("%s settings have stuck to a connection", got)
	}

	insert := func(query, encoding string, body io.Reader) (int, string) {
		req, err := http.NewRequest(http.MethodPost, dsn+"/?query="+url.QueryEscape(query), body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", encoding)
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		text, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(text)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("3,c\n4,d\n"))
	_ = z.Close()
	for _, c := range []struct {
		query, encoding string
		body            io.Reader
		status          int
	}{
		{"INSERT INTO d.a FORMAT CSV", "", strings.NewReader("1,a\n2,\"b\nb\"\n"), 200},
		{"INSERT INTO d.a (n, s) FORMAT CSV", "gzip", &zipped, 200},
		{"INSERT INTO d.a VALUES", "", strings.NewReader("(5, 'e;'), (6, 'f')"), 200},
		{"INSERT INTO d.a (s, n) FORMAT JSONEachRow", "", strings.NewReader(`{"n":7,"s":"g"}`), 200},
		{"/* a comment */ insert into d.a format TSV", "", strings.NewReader("8\th\n"), 200},
		{"INSERT INTO d.nothing FORMAT CSV", "", strings.NewReader("1,a\n"), 404},
		{"INSERT INTO d.a FORMAT CSV", "", strings.NewReader("9,a\nten,b\n"), 400},
		{"INSERT INTO d.a FORMAT CSV", "gzip", strings.NewReader("9,a\n"), 400},
		{"INSERT INTO d.a FORMAT CSV", "lzma", strings.NewReader("9,a\n"), 400},
	} {
		if status, text := insert(c.query, c.encoding, c.body); status != c.status {
			t.Errorf("%s: %d %.300s, want %d", c.query, status, text, c.status)
		}
	}
	mustAsk(t, dsn, "INSERT INTO d.a VALUES (9, 'i')")
	mustAsk(t, dsn, "INSERT INTO d.a FORMAT CSV\n10,j\n")
	if got := mustAsk(t, dsn, "SELECT count(), sum(n) FROM d.a"); got != "10\t55" {
		t.Errorf("rows %s", got)
	}
}

func TestInsertOfAClientThatGoesAwayIsNotDone(t *testing.T) {
	p := startProcess(t, t.TempDir(), nil)
	mustAsk(t, p.DSN(), "CREATE DATABASE d ENGINE = Atomic")
	mustAsk(t, p.DSN(), "CREATE TABLE d.a (n UInt64) ENGINE = MergeTree ORDER BY n")
	ctx, cancel := context.WithCancel(context.Background())
	body, feed := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.DSN()+"/?query="+url.QueryEscape("INSERT INTO d.a FORMAT TSV"), body)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r, err := http.DefaultClient.Do(req); err == nil {
			_ = r.Body.Close()
			t.Error("the insert was answered")
		}
	}()
	for range 100 {
		if _, err := feed.Write([]byte(strings.Repeat("1\n", 1000))); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	_ = feed.CloseWithError(context.Canceled) // the transport waits for its reader of the body
	<-done
	eventually(t, "the insert goes on", func() bool {
		return mustAsk(t, p.DSN(), "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'") == "0"
	})
	if got := mustAsk(t, p.DSN(), "SELECT count() FROM d.a"); got != "0" {
		t.Errorf("%s rows of a broken insert", got)
	}
}

// The data of an insert passes through: the memory of the server does not grow with it.
func TestInsertStreams(t *testing.T) {
	p := startProcess(t, t.TempDir(), nil)
	mustAsk(t, p.DSN(), "CREATE DATABASE d ENGINE = Atomic")
	mustAsk(t, p.DSN(), "CREATE TABLE d.a (s String) ENGINE = Null")
	line := strings.Repeat("x", 1023) + "\n"
	const lines = 300 << 10 // 300 MiB
	r, err := http.Post(p.DSN()+"/?max_insert_block_size=10000&query="+url.QueryEscape("INSERT INTO d.a FORMAT TSV"), "", io.LimitReader(repeat(line), int64(lines*len(line))))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("X-ClickHouse-Summary"), fmt.Sprint(lines)) {
		t.Fatalf("%s %s %s", r.Status, r.Header.Get("X-ClickHouse-Summary"), text)
	}
	if rss := peakMemory(t, p.PID()); rss > 900<<20 {
		t.Errorf("%d MiB of memory for an insert of 300 MiB", rss>>20)
	}
}

type repeat string

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }

func TestTooManyStatementsWaitAndAreRefused(t *testing.T) {
	p := &pool{slots: make(chan struct{}, 1)}
	p.slots <- struct{}{}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.get(ctx); err == nil || statusOf(err.(*Exception).Code) != http.StatusServiceUnavailable {
		t.Errorf("a full pool: %v", err)
	}
}

func FuzzInsertOf(f *testing.F) {
	for _, seed := range []string{"INSERT INTO a FORMAT CSV", "INSERT INTO a (b) VALUES ;", "insert into a", "INSERT INTO a FORMAT Native\n; "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		statement, format := insertOf(query, "TSV")
		if !strings.HasPrefix(query, statement) || format == "" {
			t.Fatalf("%q -> %q, %q", query, statement, format)
		}
	})
}
