package source_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/source"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

var update = flag.Bool("update", false, "write what the fixtures become, to be read and committed")

// defaultRules are read once: that costs more than all fixtures.
var defaultRules = sync.OnceValue(identity.DefaultRules)

const folder = "../../schemas/sources"

// outcome is what a request becomes, as the files beside the fixtures say it.
type outcome struct {
	Touchpoints []json.RawMessage `json:"touchpoints,omitempty"`
	Skipped     []string          `json:"skipped,omitempty"`
	Refused     []string          `json:"refused,omitempty"`
	Handshake   *source.Answer    `json:"handshake,omitempty"`
	Error       string            `json:"error,omitempty"`
}

// each runs f over all fixtures of all sources: a new file is tested by being there.
func each(t *testing.T, f func(t *testing.T, fx sourcetest.Fixture)) {
	for _, fx := range sourcetest.All(t, folder) {
		t.Run(fx.Name, func(t *testing.T) { f(t, fx) })
	}
}

// become is what the request becomes, judged as the door judges it.
func become(fx sourcetest.Fixture) outcome {
	result, err := fx.Source.NewReader(nil).Read(fx.Request, fx.Known, fx.Now)
	return outcomeOf(fx.Now, result, err)
}

func outcomeOf(now time.Time, result source.Result, err error) (o outcome) {
	if err != nil {
		return outcome{Error: err.Error()}
	}
	rules := defaultRules()
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
func want(t *testing.T, fx sourcetest.Fixture, got outcome) string {
	t.Helper()
	path := strings.TrimSuffix(fx.Path, ".request") + ".touchpoints.json"
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
