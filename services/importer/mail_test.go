package importer

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mailRules = `
workspaces:
  - name: default
    receive: ["@example.com"]
`

// written are mails as they were sent, with what an mbox makes difficult.
func written() []string {
	return []string{
		"From: a@b.example\nMessage-ID: <1@b.example>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\nSubject: one\n\nFrom here on\n\n>From is quoted\nend\n",
		"From: a@b.example\nMessage-ID: <2@b.example>\nDate: Fri, 20 Nov 2026 10:01:00 +0000\nSubject: two\n\nFrom Monday 10:00 to Friday, or from 2026 on\n\n\n",
		"From: a@b.example\nMessage-ID: <3@b.example>\nDate: Fri, 20 Nov 2026 10:02:00 +0000\nSubject: three\n\nno end of line",
		"From: a@b.example\nMessage-ID: <4@b.example>\nSubject: no date\n\nx\n",
	}
}

// mboxrd is how they stand in an mbox, one behind the other.
func mboxrd(mails []string) string {
	var b strings.Builder
	for _, m := range mails {
		b.WriteString("From a@b.example Fri Nov 20 12:34:56 2026\n")
		for line := range strings.Lines(m) {
			if strings.HasPrefix(strings.TrimLeft(line, ">"), "From ") {
				b.WriteByte('>')
			}
			b.WriteString(line)
		}
		b.WriteString("\n\n")
	}
	return b.String()
}

func gzipped(t *testing.T, dir, name, content string) string {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, dir, name, z.String())
}

func (d *door) importMail(t *testing.T, files ...string) Summary {
	t.Helper()
	c := d.config("", files...)
	c.Mail, c.Workspace = file(t, t.TempDir(), "mail.yaml", mailRules), "default"
	s, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMailFromEverywhere: an mbox, with the ends of lines of either kind, compressed or not, a Maildir and a folder of
// single mails are the same touchpoints.
func TestMailFromEverywhere(t *testing.T) {
	mails := written()[:3] // the mail without a date has another from each
	dir := t.TempDir()
	maildir := filepath.Join(dir, "Maildir")
	for _, sub := range []string{"cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"} {
		if err := os.MkdirAll(filepath.Join(maildir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file(t, maildir, "cur/1795000001.M1P1.host:2,S", mails[0])
	file(t, maildir, "new/1795000002.M2P1.host", mails[1])
	file(t, maildir, ".Sent/cur/1795000003.M3P1.host:2,S", mails[2])
	file(t, maildir, "tmp/1795000004.M4P1.host", "From: half@b.example\nMessage-ID: <half@b.example>\n\nnot yet")
	file(t, maildir, "dovecot-uidlist", "3 V1")
	file(t, maildir, "cur/dovecot.index.log", "x")
	folder := filepath.Join(dir, "eml")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, m := range mails {
		file(t, folder, fmt.Sprintf("%d.eml", i), m)
	}
	ways := map[string]string{
		"mbox":    file(t, dir, "mails.mbox", mboxrd(mails)),
		"crlf":    file(t, dir, "crlf.mbox", strings.ReplaceAll(mboxrd(mails), "\n", "\r\n")),
		"gzip":    gzipped(t, dir, "mails.mbox.gz", mboxrd(mails)),
		"maildir": maildir,
		"folder":  folder,
	}
	d := openDoor(t)
	for name, path := range ways {
		s := d.importMail(t, path)
		if s.Records != len(mails) || s.Accepted != len(mails) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if len(d.stored) != len(mails) || d.conflicts != 0 {
		t.Fatalf("%d touchpoints, %d conflicts: %v", len(d.stored), d.conflicts, slices.Sorted(maps.Keys(d.stored)))
	}
	texts := map[string]string{"one": "From here on\n\n>From is quoted\nend", "two": "From Monday 10:00 to Friday, or from 2026 on", "three": "no end of line"}
	for _, tp := range d.stored {
		if tp.Text != texts[tp.Subject] {
			t.Errorf("%s: %q", tp.Subject, tp.Text)
		}
	}
}

// TestMboxThatIsBroken: what is no mail, and what is too large, is refused with its place, and harms no neighbour.
func TestMboxThatIsBroken(t *testing.T) {
	mails := written()
	text := mboxrd(mails[:1]) +
		"From x Fri Nov 20 12:34:56 2026\n\nno head\n\n" +
		"From x Fri Nov 20 12:34:56 2026\nFrom: big@b.example\n\n" + strings.Repeat(strings.Repeat("x", 1000)+"\n", 30_000) + "\n" +
		mboxrd(mails[3:])
	d := openDoor(t)
	s := d.importMail(t, file(t, t.TempDir(), "broken.mbox", text))
	if s.Records != 4 || s.Accepted != 2 || s.Refused != 2 {
		t.Fatalf("%+v", s)
	}
	places := map[string]bool{}
	for _, r := range s.Reasons {
		places[r.Places[0]] = true
	}
	if !places["broken.mbox:14"] || !places["broken.mbox:18"] {
		t.Errorf("refused at %v", s.Reasons)
	}
	for _, tp := range d.stored {
		if tp.Subject == "no date" && tp.Time != 1795178096000 {
			t.Errorf("a mail without a date is of %d, want the time of the line above it", tp.Time)
		}
	}
}

// TestMailGoesOn: killed half-way, the import goes on behind what was acknowledged.
func TestMailGoesOn(t *testing.T) {
	var mails []string
	for i := range 100 {
		mails = append(mails, fmt.Sprintf("From: a@b.example\nMessage-ID: <%d@b.example>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n\nhello %d\n", i, i))
	}
	d := openDoor(t)
	c := d.config("", file(t, t.TempDir(), "many.mbox", mboxrd(mails)))
	c.Mail, c.Workspace, c.StateDir, c.Lines, c.Width = file(t, t.TempDir(), "mail.yaml", mailRules), "default", t.TempDir(), 10, 1
	ctx, cancel := context.WithCancel(context.Background())
	d.before = func(n int64, w http.ResponseWriter) bool {
		if n == 5 {
			cancel()
		}
		return false
	}
	if _, err := Run(ctx, c); err == nil {
		t.Fatal("it was not broken off")
	}
	d.before = nil
	s, err := Run(context.Background(), c)
	if err != nil || s.Accepted != 100 || s.Resumed == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(d.stored) != 100 || d.conflicts != 0 {
		t.Errorf("%d touchpoints, %d conflicts", len(d.stored), d.conflicts)
	}
}

func TestMailConfig(t *testing.T) {
	d := openDoor(t)
	rules := file(t, t.TempDir(), "mail.yaml", mailRules)
	for want, change := range map[string]func(*Config){
		"not both":                 func(c *Config) { c.Mapping = "servicenow-incidents" },
		`no such file`:             func(c *Config) { c.Mail = "absent.yaml" },
		`none of the name "other"`: func(c *Config) { c.Workspace = "other" },
		"no mail in this folder":   func(c *Config) { c.Files = []string{t.TempDir()} },
		"line 3: workspaces[0].receive[0]": func(c *Config) {
			c.Mail = file(t, t.TempDir(), "bad.yaml", "workspaces:\n  - name: default\n    receive: [nobody]\n")
		},
	} {
		c := d.config("", file(t, t.TempDir(), "x.eml", written()[0]))
		c.Mail, c.Workspace = rules, "default"
		change(&c)
		if _, err := Run(context.Background(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
