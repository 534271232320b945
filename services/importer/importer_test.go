package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/streams/mapping"
)

const csvMapping = `
name: calls
format: csv
tables: {dirs: {values: {in: inbound, out: outbound}}}
when: who != "test"
touchpoint:
  id: {column: id}
  time: {column: at}
  channel: phone
  direction: {column: dir, table: dirs}
  kind: {column: kind}
  actor: {type: customer}
  identifiers: [{type: customer_id, value: {column: who}, verified: true}]
  text: {column: text}
`

const jsonMapping = `
name: chats
format: ndjson
touchpoint:
  time: {column: at}
  channel: chat
  direction: inbound
  kind: message
  actor: {type: customer}
  thread: [{scheme: session, value: {column: s}}]
  text: {column: text}
`

func file(t interface {
	Fatal(...any)
}, dir, name, content string) string {
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const at = "2026-01-02T03:04:05Z"

func TestSummaryNamesLinesAndReasons(t *testing.T) {
	dir, d := t.TempDir(), openDoor(t)
	m := file(t, dir, "m.yaml", csvMapping)
	in := file(t, dir, "in.csv", "\ufeffid,at,dir,kind,who,text\r\n"+
		"1,"+at+",in,message,7,\"two\r\nlines, and \"\"quotes\"\"\"\r\n"+ // lines 2 and 3
		"2,"+at+",up,message,7,\r\n"+ // 4: not in the table
		"3,"+at+",in,NOT A KIND,7,\r\n"+ // 5: refused by the server
		"4,"+at+",in,message\r\n"+ // 6: columns missing
		"5,"+at+",in,message,test,\r\n"+ // 7: left out
		"6,"+at+",up,message,7,\r\n"+ // 8: not in the table
		"7,"+at+",out,mess\"age,7,\r\n"+ // 9: a bare quote
		"8,"+at+",out,message,7,bye\r\n")
	s, err := Run(context.Background(), d.config(m, in))
	if err != nil {
		t.Fatal(err)
	}
	if s.Records != 8 || s.Accepted != 2 || s.Refused != 5 || s.LeftOut != 1 || s.ExitCode() == 0 || len(d.stored) != 2 {
		t.Errorf("%+v", s)
	}
	if got := d.stored["1"].Text; got != "two\nlines, and \"quotes\"" {
		t.Errorf("text %q", got)
	}
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"8 records: 2 accepted, 5 refused, 1 left out",
		`2 refused: direction: "up" is not in table dirs, which has no default`, "at in.csv:4, in.csv:8",
		"1 refused: kind: ", "at in.csv:5", "the row has 4 columns, the header 6", "at in.csv:6", "not CSV: line 9",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary does not say %q:\n%s", want, b.String())
		}
	}
}

func TestNDJSONAndGzip(t *testing.T) {
	dir, d := t.TempDir(), openDoor(t)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	fmt.Fprintf(w, "{\"at\":%q,\"s\":\"a\",\"text\":\"x\"}\n\n[1]\n{\"at\":%q,\"s\":17}\n{\"at\":1}", at, at)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := file(t, dir, "in.ndjson.gz", z.String())
	s, err := Run(context.Background(), d.config(file(t, dir, "m.yaml", jsonMapping), in))
	if err != nil || s.Accepted != 2 || s.Refused != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	if s.Reasons[0].Places[0] != "in.ndjson.gz:3" || s.Reasons[1].Places[0] != "in.ndjson.gz:5" {
		t.Errorf("%+v", s.Reasons)
	}
}

func TestWhatCannotBeImported(t *testing.T) {
	dir, d := t.TempDir(), openDoor(t)
	m := file(t, dir, "m.yaml", csvMapping)
	head := "id,at,dir,kind,who,text\n"
	for _, c := range []struct{ name, content, want string }{
		{"empty.csv", "", "it is empty"},
		{"columns.csv", "id,at,dir,kind,text\n", `no column "who"`},
		{"quote.csv", head + "1," + at + ",in,message,7,\"" + strings.Repeat("never closed\n", 1<<20), "quote not closed"},
		{"half.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "EOF"},
	} {
		_, err := Run(context.Background(), d.config(m, file(t, dir, c.name, c.content)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Run(context.Background(), d.config("nothing-such", "x")); err == nil || !strings.Contains(err.Error(), "servicenow-incidents") {
		t.Errorf("got %v", err)
	}
	if _, err := Run(context.Background(), d.config(file(t, dir, "bad.yaml", "name: 1\nwhat: x"), "x")); !errors.Is(err, mapping.ErrBadMapping) {
		t.Errorf("got %v", err)
	}
	c := d.config(m, file(t, dir, "one.csv", head+"1,"+at+",in,message,7,\n"))
	c.Client.Key = "wrong"
	var p *client.Problem
	if _, err := Run(context.Background(), c); !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
		t.Errorf("got %v", err)
	}
}

func TestManyReasonsAreBounded(t *testing.T) {
	var s Summary
	for i := range 1000 {
		for range 30 {
			s.refuse(refusal{place{"f", i}, "", fmt.Sprint(i)})
		}
	}
	if len(s.Reasons) != maxReasons || len(s.Reasons[0].Places) != maxPlaces || s.Refused != 30000 || s.Others != 27000 {
		t.Errorf("%d reasons, %d refused, %d others", len(s.Reasons), s.Refused, s.Others)
	}
}

// TestBrokenOffAnywhere: however often an import is broken off, and whatever the server does to requests and answers
// meanwhile, in the end every record is there once and the summary counts every record once.
func TestBrokenOffAnywhere(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			r.Fatal(err)
		}
		n := rapid.IntRange(1, 900).Draw(r, "records")
		var content strings.Builder
		content.WriteString("id,at,dir,kind,who,text\n")
		wrong := 0
		for i := range n {
			dirn := "in"
			if i%97 == 5 {
				dirn = "up"
				wrong++
			}
			fmt.Fprintf(&content, "%d,%s,%s,message,%d,hello\n", i, at, dirn, i%50)
		}
		d := openDoor(t)
		c := d.config(file(r, dir, "m.yaml", csvMapping), file(r, dir, "in.csv", content.String()))
		c.StateDir = filepath.Join(dir, "state")
		c.Width, c.Lines = rapid.IntRange(1, 8).Draw(r, "width"), 100
		lost := rapid.SliceOfN(rapid.IntRange(1, 12), 0, 3).Draw(r, "requests whose answer gets lost")
		busy := rapid.SliceOfN(rapid.IntRange(1, 12), 0, 3).Draw(r, "requests that find the server busy")
		kills := rapid.SliceOfN(rapid.IntRange(1, 12), 0, 3).Draw(r, "requests at which the import is killed")
		slices.Sort(kills)
		var kill atomic.Pointer[context.CancelFunc]
		d.before = func(n int64, w http.ResponseWriter) bool {
			if slices.Contains(kills, int(n)) {
				(*kill.Load())()
			}
			if slices.Contains(busy, int(n)) {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
			return false
		}
		d.after = func(n int64, w http.ResponseWriter) bool {
			if slices.Contains(lost, int(n)) {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			return false
		}
		var s Summary
		for run := 0; ; run++ {
			ctx, cancel := context.WithCancel(context.Background())
			kill.Store(&cancel)
			s, err = Run(ctx, c)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) || run > len(kills) {
				r.Fatal(err)
			}
		}
		d.Close() // waits for requests that nobody waits for any more
		if s.Records != n || s.Accepted != n-wrong || s.Refused != wrong || len(d.stored) != n-wrong || d.conflicts != 0 {
			r.Fatalf("%d records, %d wrong: %+v, stored %d, %d conflicts", n, wrong, s, len(d.stored), d.conflicts)
		}
		left, err := os.ReadDir(c.StateDir)
		if err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
			r.Fatalf("an import that ended leaves %v, %v", left, err)
		}
	})
}

// TestGoesOnWhereItWas: what was acknowledged before is not sent again, unless that is asked for.
func TestGoesOnWhereItWas(t *testing.T) {
	dir, d := t.TempDir(), openDoor(t)
	var content strings.Builder
	content.WriteString("id,at,dir,kind,who,text\n")
	for i := range 5 * client.MaxLines {
		fmt.Fprintf(&content, "%d,%s,in,message,7,\n", i, at)
	}
	c := d.config(file(t, dir, "m.yaml", csvMapping), file(t, dir, "in.csv", content.String()))
	c.StateDir, c.Width = dir, 1
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d.before = func(n int64, _ http.ResponseWriter) bool {
		if n == 4 {
			cancel()
		}
		return false
	}
	s, err := Run(ctx, c)
	if !errors.Is(err, context.Canceled) || s.Records != 3*client.MaxLines {
		t.Fatalf("%+v, %v", s, err)
	}
	s, err = Run(context.Background(), c)
	d.Close() // waits for requests that nobody waits for any more
	if err != nil || s.Resumed != 3*client.MaxLines || s.Accepted != 5*client.MaxLines || d.requests.Load() != 6 || len(d.stored) != 5*client.MaxLines {
		t.Fatalf("%+v, %v, %d requests", s, err, d.requests.Load())
	}
}
