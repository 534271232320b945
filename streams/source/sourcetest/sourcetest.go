// Package sourcetest reads the fixtures of sources: requests as providers send them, with what they must become.
package sourcetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/sources"
	"github.com/throughline/throughline/streams/source"
)

// Key is the source key of all fixtures.
const Key = "KEY"

// Fixture is one request of a provider.
type Fixture struct {
	Source  *source.Source
	Name    string // source/case
	Path    string
	Secrets map[string]string
	Request *source.Request
	Now     time.Time // when the request is good
}

// All are the fixtures of all sources that ship; folder is that of schemas/sources.
func All(tb testing.TB, folder string) (out []Fixture) {
	tb.Helper()
	for _, name := range sources.Names() {
		s := Load(tb, name)
		paths, err := filepath.Glob(filepath.Join(folder, name, "*.request"))
		if err != nil || len(paths) == 0 {
			tb.Errorf("%s has no fixtures", name)
		}
		for _, path := range paths {
			out = append(out, Read(tb, s, path))
		}
	}
	return out
}

// Load compiles a source that ships.
func Load(tb testing.TB, name string) *source.Source {
	tb.Helper()
	data, ok := sources.Get(name)
	if !ok {
		tb.Fatalf("no source %s", name)
	}
	s, err := source.Parse(data)
	if err != nil {
		tb.Fatalf("%s.yaml: %v", name, err)
	}
	if s.Name != name {
		tb.Fatalf("%s.yaml says that its name is %s", name, s.Name)
	}
	return s
}

// Read reads a request as it goes over the wire. One without a signature is signed with the secrets beside it.
func Read(tb testing.TB, s *source.Source, path string) Fixture {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	f := Fixture{Source: s, Name: s.Name + "/" + strings.TrimSuffix(filepath.Base(path), ".request"), Path: path,
		Secrets: map[string]string{"secret": "test-secret"}, Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for _, name := range []string{"secrets.json", strings.TrimSuffix(filepath.Base(path), ".request") + ".secrets.json"} { // the case's own come last
		beside, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			continue
		}
		if err := json.Unmarshal(beside, &f.Secrets); err != nil {
			tb.Fatal(err)
		}
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n"))), strings.NewReader("\r\n\r\n"))))
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	f.Request = &source.Request{Method: r.Method, URL: "https://" + r.Host + r.RequestURI, Query: r.URL.Query(),
		Headers: textproto.MIMEHeader(r.Header), Body: body, Key: Key}
	if proof := f.Proof(); proof.Timestamp.Given() {
		if at, err := proof.At(toSign(s, f.Request)); err == nil {
			f.Now = at.Add(10 * time.Second)
		}
	}
	if proof := f.Proof(); proof.Signature.Given() && proof.Signature.Value(toSign(s, f.Request)) == "" || s.Proof.Method == "basic" && r.Header.Get("Authorization") == "" {
		f.Sign(tb)
	}
	return f
}

// Known finds the fixture's secrets.
func (f *Fixture) Known(name string) []string {
	if s, ok := f.Secrets[name]; ok {
		return []string{s}
	}
	return nil
}
