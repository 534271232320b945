package mapping_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/mappings"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/mapping"
)

var update = flag.Bool("update", false, "write what the fixtures become, to be read and committed")

// TestShippedMappings holds every mapping that ships against the files beside it: NAME/CASE.csv becomes NAME/CASE.touchpoints.ndjson.
func TestShippedMappings(t *testing.T) {
	const folder = "../../schemas/mappings"
	for _, name := range mappings.Names() {
		data, _ := mappings.Get(name)
		m, err := mapping.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		paths, err := filepath.Glob(filepath.Join(folder, name, "*.csv"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			t.Run(name+"/"+filepath.Base(path), func(t *testing.T) {
				got := become(t, m, path)
				beside := strings.TrimSuffix(path, ".csv") + ".touchpoints.ndjson"
				if *update {
					if err := os.WriteFile(beside, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(beside)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("got\n%swant\n%s", got, want)
				}
			})
		}
	}
}

// become are the touchpoints of a file as the server takes them.
func become(t *testing.T, m *mapping.Mapping, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.Comma = m.Delimiter
	header := m.Columns
	if header == nil {
		if header, err = rows.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Check(header); err != nil {
		t.Fatal(err)
	}
	rules := identity.DefaultRules()
	options := touchpoint.Options{Now: 1 << 41, Registry: registry.Default(), Normalise: rules.Normalise, Verified: rules.Verified}
	table, run := mapping.NewTable(header), m.NewRun(nil)
	var out []byte
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		records, err := run.Split(mapping.Row{Table: table, Cells: cells})
		if err != nil {
			t.Fatalf("%q: %v", cells, err)
		}
		for _, rec := range records {
			line, err := run.Append(nil, rec)
			if err != nil {
				t.Fatalf("%q: %v", cells, err)
			}
			if len(line) == 0 {
				continue
			}
			tp, _, why := touchpoint.Decode(line, &options)
			if why != nil {
				t.Fatalf("%s: %v", line, why)
			}
			if out, err = tp.AppendJSON(out); err != nil {
				t.Fatal(err)
			}
			out = append(out, '\n')
		}
	}
}
