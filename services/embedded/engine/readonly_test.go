package engine

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestReadOnlyListener(t *testing.T) {
	p := startProcess(t, t.TempDir(), func(c *ProcessConfig) { c.ReadOnlyListen = "127.0.0.1:0" })
	all, only := p.DSN(), "http://"+p.ReadOnlyAddr().String()
	mustAsk(t, all, "CREATE DATABASE d ENGINE = Atomic")
	mustAsk(t, all, "CREATE TABLE d.a (n UInt64, file_name String) ENGINE = MergeTree ORDER BY n")
	mustAsk(t, all, "INSERT INTO d.a VALUES (1, 'x''; DROP TABLE d.a'), (2, 'file(')")

	for query, want := range map[string]string{
		"SELECT count() FROM d.a":                            "2",
		"  -- who\n(SELECT sum(n) FROM d.a)":                 "3",
		"WITH x AS (SELECT n FROM d.a) SELECT max(n) FROM x": "2",
		"SELECT n FROM d.a WHERE file_name = 'file('":        "2",
		"SELECT format('{}-{}', 'a', 'b')":                   "a-b",
		"SELECT count() FROM numbers(5)":                     "5",
		"SELECT 1 AS `Total / day`":                          "1",
		"SHOW TABLES FROM d LIKE 'a%'":                       "a",
		"EXISTS TABLE d.a":                                   "1",
		"SELECT getSetting('readonly')":                      "1",
	} {
		if got := mustAsk(t, only, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	mustAsk(t, only, "DESCRIBE TABLE d.a")
	mustAsk(t, only, "EXPLAIN SELECT * FROM d.a")
	if r, text := get(t, only, url.Values{"query": {"SELECT {x:UInt8} AS x FORMAT JSONEachRow"}, "param_x": {"7"}, "max_execution_time": {"1000000"}}, nil); text != "{\"x\":7}\n" {
		t.Error(r.Status, text)
	}

	for _, query := range []string{
		"INSERT INTO d.a VALUES (3, '')", "DROP TABLE d.a", "CREATE TABLE d.b (n Int8) ENGINE = Memory", "ALTER TABLE d.a DELETE WHERE 1",
		"CREATE TEMPORARY TABLE b (n Int8)", "TRUNCATE TABLE d.a", "OPTIMIZE TABLE d.a", "SYSTEM SHUTDOWN", "KILL QUERY WHERE 1",
		"SET readonly = 0", "SET max_threads = 1", "USE d", "SELECT 1 SETTINGS readonly = 0", "SELECT 1 SETTINGS max_memory_usage = 0",
		"SELECT 1; DROP TABLE d.a", "SELECT 1; SELECT 2", "SELECT 1 PARALLEL WITH DROP TABLE d.a", "EXPLAIN SELECT 1; DROP TABLE d.a",
		"SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT file('/etc/passwd')", "SELECT `file`('/etc/passwd')", "SELECT \"file\"('/etc/passwd')",
		"SELECT `fil\\x65`('/etc/passwd')", "SELECT FILE('/etc/passwd')", "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')", "SELECT * APPLY file FROM (SELECT '/etc/passwd')",
		"SELECT /* ' */ file('/etc/passwd') /* ' */", "SELECT 1 -- '\n, file('/etc/passwd') -- '", "SELECT '\\'', file('/etc/passwd'), '\\''", "SELECT '''', file('/etc/passwd'), ''''",
		"SELECT $$'$$, file('/etc/passwd') -- '", "SELECT 1 # '\n, file('/etc/passwd')", "SHOW TABLES WHERE file('/etc/passwd') = ''", "SHOW COLUMNS FROM d.a WHERE file('/etc/passwd') = ''",
		"DESCRIBE TABLE file('/etc/passwd')", "DESC file('/etc/passwd')", "DESCRIBE TABLE default.`/etc/passwd`", "DESCRIBE TABLE `/etc/passwd`", "DESCRIBE `/etc/passwd`",
		"DESCRIBE TABLE '/etc/passwd'", "DESCRIBE TABLE url('http://127.0.0.1:1/x', 'CSV')", "DESCRIBE TABLE {t:Identifier}", "EXISTS TABLE `/etc/passwd`",
		"SELECT * FROM `/etc/passwd`", "SELECT * FROM default.`/etc/passwd`", "SELECT * FROM '/etc/passwd'",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "SELECT * FROM remote('127.0.0.1:1', system.one)", "SELECT * FROM executable('id', 'TSV', 'x String')",
		"SELECT * FROM s3('http://bucket.s3.amazonaws.com/a', 'CSV')", "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM sqlite('/etc/passwd', 'x')",
		"SELECT * FROM loop(file('/etc/passwd'))", "SELECT * FROM view(SELECT file('/etc/passwd'))", "SELECT * FROM filesystem('/etc')", "SELECT * FROM eval('SELECT 1')",
		"SELECT 1 INTO OUTFILE '/tmp/throughline-outfile'", "SHOW TABLES INTO OUTFILE '/tmp/throughline-outfile'", "INSERT INTO FUNCTION file('/tmp/x.csv') SELECT 1",
		"BACKUP DATABASE d TO File('/tmp/b')", "SELECT catboostEvaluate('/etc/passwd', 1)", "EXECUTE AS default SELECT 1", "SELECT addressToLine(toUInt64(1))",
		"EXPLAIN SELECT file('/etc/passwd')", "SELECT * FROM (EXPLAIN SELECT file('/etc/passwd'))", "SELECT", "", "(", "SELECT 'a", "SELECT /*",
	} {
		if status, text := ask(t, only, query); status == http.StatusOK {
			t.Errorf("%s: answered %q", query, text)
		}
	}
	for name, values := range map[string]url.Values{
		"readonly off":      {"query": {"SELECT 1"}, "readonly": {"0"}},
		"memory":            {"query": {"SELECT 1"}, "max_memory_usage": {"0"}},
		"format with files": {"query": {"SELECT 1"}, "format_template_resultset": {"/etc/passwd"}, "default_format": {"Template"}},
	} {
		if r, text := get(t, only, values, nil); r.StatusCode == http.StatusOK {
			t.Errorf("%s: answered %q", name, text)
		} else if r.Header.Get("X-ClickHouse-Exception-Code") != "164" {
			t.Errorf("%s: %s", name, text)
		}
	}
	r, err := http.Post(only+"/?query="+url.QueryEscape("INSERT INTO d.a FORMAT CSV"), "text/csv", strings.NewReader("3,x\n"))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode == http.StatusOK {
		t.Error("inserted through the read-only listener")
	}
	if got := mustAsk(t, all, "SELECT count() FROM d.a"); got != "2" {
		t.Errorf("%s rows are left", got)
	}
}

// Every table function that the engine knows is either refused or known to be harmless, so that a new version of the
// engine cannot open a door unseen.
func TestEveryTableFunctionIsRefusedOrHarmless(t *testing.T) {
	p := startProcess(t, t.TempDir(), func(c *ProcessConfig) { c.ReadOnlyListen = "127.0.0.1:0" })
	only := "http://" + p.ReadOnlyAddr().String()
	for _, name := range strings.Split(mustAsk(t, only, "SELECT name FROM system.table_functions"), "\n") {
		if harmlessTableFunctions[strings.ToLower(name)] {
			continue
		}
		for _, query := range []string{"SELECT * FROM " + name + "('/etc/passwd')", "DESCRIBE TABLE " + name + "('/etc/passwd')"} {
			if r, text := get(t, only, url.Values{"query": {query}}, nil); r.Header.Get("X-ClickHouse-Exception-Code") != "164" {
				t.Errorf("%s: %s", query, text)
			}
		}
	}
	if text := mustAsk(t, only, "SELECT name FROM system.functions WHERE match(lower(name), '^(ai[a-z]+|catboost.*|file|url|http.*|get.*header|.*remote.*|s3.*|.*secret.*|execute.*|shell.*|script.*)$')"); text != "" {
		for _, name := range strings.Split(text, "\n") {
			if !reachingFunctions[strings.ToLower(name)] {
				t.Errorf("the function %s is new: does it reach outside?", name)
			}
		}
	}
}

func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"SELECT 1", "SELECT 'a' -- '\n, file('x')", "DESC `x`", "(SELECT /* ' */ \"a\"\"b\")", "SELECT $a$", "WITH x AS (SELECT 1) SELECT * FROM x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if guard(query, map[string]bool{"url": true}) != nil {
			return
		}
		// What passes has no forbidden word outside of text and comments, by a second, slower reading.
		words, err := lex(query)
		if err != nil || len(words) == 0 {
			t.Fatalf("%q passes without words", query)
		}
		size := 0
		for i, w := range words {
			size += len(w.text)
			if w.kind != text && reachingFunctions[strings.ToLower(w.text)] {
				t.Fatalf("%q passes with %s", query, w.text)
			}
			if strings.EqualFold(w.text, "url") && w.kind != text && i+1 < len(words) && words[i+1].text == "(" {
				t.Fatalf("%q passes with a table function", query)
			}
		}
		if size > len(query) {
			t.Fatalf("%q has more words than bytes", query)
		}
	})
}
