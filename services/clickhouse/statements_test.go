package clickhouse

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitStatements(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              nil,
		" ;; -- nothing;\n":             nil,
		"a; b":                          {"a", "b"},
		"a ';' \"x;\" `;` ; b":          {"a ';' \"x;\" `;`", "b"},
		"a 'it\\';' ; b":                {"a 'it\\';'", "b"},
		"-- c;\na -- d;\n; /* e; */ b;": {"-- c;\na -- d;", "/* e; */ b"},
	} {
		if got := splitStatements(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzSplitStatements(f *testing.F) {
	for _, seed := range []string{"a; b", "a 'it\\';' ; b", "-- c;\n/* d */;", "'", "`;", "/*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rest := text
		for _, s := range splitStatements(text) {
			i := strings.Index(rest, s)
			if i < 0 || s == "" {
				t.Fatalf("%q is not a part of %q", s, text)
			}
			rest = rest[i+len(s):]
		}
	})
}

func TestLayouts(t *testing.T) {
	for t1, want := range map[string]string{
		"DateTime64(3, 'UTC')": "Int64", "Enum8('a' = 1)": "Int8", "Array(LowCardinality(String))": "Array(LowCardinality(String))",
		"Array(Bool)": "Array(UInt8)", "Nullable(DateTime64(3))": "Nullable(Int64)", "DateTime('UTC')": "UInt32", "Date": "UInt16", "String": "String",
	} {
		if got := layout(t1); got != want {
			t.Errorf("%s: %s, want %s", t1, got, want)
		}
	}
}

func TestTemplateOfACluster(t *testing.T) {
	for text, want := range map[string]string{
		`CREATE TABLE a {{.OnCluster}} ENGINE = {{.Engine "ReplacingMergeTree" "v"}} SETTINGS {{.DeduplicationWindow}} = 1`: "CREATE TABLE a ON CLUSTER `c` ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', v) SETTINGS replicated_deduplication_window = 1",
		`SELECT 1 FROM {{.Database}}.x`: "SELECT 1 FROM `d`.x",
	} {
		if got, err := render("x", text, "d", Layout{Cluster: "c"}); err != nil || got != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	if _, err := render("x", "{{.Nothing}}", "d", Layout{}); err == nil {
		t.Error("an unknown field is accepted")
	}
}
