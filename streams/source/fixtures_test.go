package source_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/sources"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source"
)

var update = flag.Bool("update", false, "write what the fixtures become, to be read and committed")

const (
	folder = "../../schemas/sources"
	key    = "KEY" // the source key of all fixtures
)

// outcome is what a request becomes, as the files beside the fixtures say it.
type outcome struct {
	Touchpoints []json.RawMessage `json:"touchpoints,omitempty"`
	Skipped     []string          `json:"skipped,omitempty"`
	Refused     []string          `json:"refused,omitempty"`
	Handshake   *source.Answer    `json:"handshake,omitempty"`
	Error       string            `json:"error,omitempty"`
}

// fixture is one request of a provider.
type fixture struct {
	source  *source.Source
	path    string
	secrets map[string]string
	request *source.Request
	now     time.Time
}

// each runs f over all fixtures of all sources: a new file is tested by being there.
func each(t *testing.T, f func(t *testing.T, fx fixture)) {
	for _, name := range sources.Names() {
		src := load(t, name)
		paths, err := filepath.Glob(filepath.Join(folder, name, "*.request"))
		if err != nil || len(paths) == 0 {
			t.Errorf("%s has no fixtures", name)
		}
		for _, path := range paths {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(path), ".request"), func(t *testing.T) { f(t, read(t, src, path)) })
		}
	}
}

func load(t testing.TB, name string) *source.Source {
	t.Helper()
	data, ok := sources.Get(name)
	if !ok {
		t.Fatalf("no source %s", name)
	}
	s, err := source.Parse(data)
	if err != nil {
		t.Fatalf("%s.yaml: %v", name, err)
	}
	if s.Name != name {
		t.Fatalf("%s.yaml says that its name is %s", name, s.Name)
	}
	return s
}

// read reads a request as it goes over the wire. One without a signature is signed with the secrets beside it.
func read(t testing.TB, src *source.Source, path string) fixture {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fx := fixture{source: src, path: path, secrets: map[string]string{"secret": "test-secret"}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if beside, err := os.ReadFile(filepath.Join(filepath.Dir(path), "secrets.json")); err == nil {
		if err := json.Unmarshal(beside, &fx.secrets); err != nil {
			t.Fatal(err)
		}
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n"))), strings.NewReader("\r\n\r\n"))))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	fx.request = &source.Request{Method: r.Method, URL: "https://" + r.Host + r.RequestURI, Query: r.URL.Query(),
		Headers: textproto.MIMEHeader(r.Header), Body: body, Key: key}
	proof := &src.Proof
	if proof.Timestamp.Given() {
		at, err := proof.At(toSign(fx.request))
		if err != nil {
			t.Fatalf("%s has no time at which it was signed: %v", path, err)
		}
		fx.now = at.Add(10 * time.Second)
	}
	basicMissing := proof.Method == signature.Basic && fx.request.Headers.Get("Authorization") == ""
	if basicMissing || proof.Signature.Given() && proof.Signature.Value(toSign(fx.request)) == "" {
		signFixture(t, &fx)
	}
	return fx
}

func (fx fixture) known(name string) []string {
	if s, ok := fx.secrets[name]; ok {
		return []string{s}
	}
	return nil
}

// become is what the request becomes, judged as the door judges it.
func (fx fixture) become() outcome {
	result, err := fx.source.NewReader(nil).Read(fx.request, fx.known, fx.now)
	return outcomeOf(fx.now, result, err)
}

func outcomeOf(now time.Time, result source.Result, err error) (o outcome) {
	if err != nil {
		return outcome{Error: err.Error()}
	}
	rules := identity.DefaultRules()
	options := touchpoint.Options{Now: now.UnixMilli(), Registry: registry.Default(), Normalise: rules.Normalise, Verified: rules.Verified,
		NewID: func() string { return "made" }}
	o.Handshake = result.Handshake
	for i, item := range result.Items {
		switch {
		case item.Skipped != "":
			o.Skipped = append(o.Skipped, item.Skipped)
		case item.Refused != nil:
			o.Refused = append(o.Refused, fmt.Sprintf("[%d] %v", i, item.Refused))
		default:
			t, _, why := touchpoint.Decode(item.Touchpoint, &options)
			if why != nil {
				o.Refused = append(o.Refused, fmt.Sprintf("[%d] %v", i, why))
				continue
			}
			line, err := t.AppendJSON(nil)
			if err != nil {
				o.Refused = append(o.Refused, err.Error())
				continue
			}
			o.Touchpoints = append(o.Touchpoints, line)
		}
	}
	return o
}

func (o outcome) String() string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(o); err != nil {
		return err.Error()
	}
	return b.String()
}

// want reads the file beside the request, or writes it.
func (fx fixture) want(t *testing.T, got outcome) string {
	t.Helper()
	path := strings.TrimSuffix(fx.path, ".request") + ".touchpoints.json"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
