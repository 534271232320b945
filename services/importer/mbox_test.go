package importer

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/streams/mail"
	"github.com/throughline/throughline/streams/mapping"
)

// readMails reads all mails of a file as the importer does, and returns their texts; refused ones are empty.
func readMails(tb rapid.TB, path string) (texts []string) {
	rules, err := mail.ParseRules([]byte(mailRules + "limits: {size: 65536}\n"))
	if err != nil {
		tb.Fatal(err)
	}
	src, err := openSource(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer src.close()
	recs, err := throughMail(rules, &rules.Workspaces[0])(src)
	if err != nil {
		tb.Fatal(err)
	}
	last := 0
	for {
		out, line, err := recs.next(nil)
		var refused *mapping.Refused
		switch {
		case errors.Is(err, io.EOF):
			return texts
		case err != nil && !errors.As(err, &refused):
			tb.Fatal(err)
		case line <= last:
			tb.Fatalf("a mail begins on line %d, the one before on %d", line, last)
		}
		last = line
		texts = append(texts, string(out))
	}
}

// TestMboxComesBack: whatever lines mails have, an mbox gives back each as it was.
func TestMboxComesBack(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"", "x", "From here", "From a@b Fri Nov 20 12:34:56 2026", ">From a@b Fri Nov 20 12:34:56 2026", ">>From", "-- ", "Fröm", strings.Repeat("y", 70_000)})
		var mails, alone []string
		for range rapid.IntRange(1, 6).Draw(t, "mails") {
			m := "From: a@b.example\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n\n" + strings.Join(rapid.SliceOfN(line, 0, 6).Draw(t, "lines"), "\n")
			mails = append(mails, m)
			alone = append(alone, readMails(t, file(t, dir, "one.eml", m))...)
		}
		got := readMails(t, file(t, dir, "all.mbox", mboxrd(mails)))
		if !slices.Equal(got, alone) {
			t.Fatalf("got %d mails\n%.2000q\nwant %d\n%.2000q", len(got), got, len(alone), alone)
		}
	})
}

// FuzzMbox: whatever the bytes, the reader ends, goes forward, and refuses what is no mail.
func FuzzMbox(f *testing.F) {
	f.Add([]byte(mboxrd(written())))
	f.Add([]byte("From \nFrom x 1:00 2026\n\nFrom x 1:00 2026\nA: b\n\n>From"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, gzipMagic) {
			return
		}
		readMails(t, file(t, dir, "fuzz", string(data)))
	})
}
