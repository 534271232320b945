package measure

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
)

func TestTable(t *testing.T) {
	kinds := registry.Default()
	for _, m := range Table {
		for _, need := range m.Needs {
			if kinds.EffectOf(need) == registry.None {
				t.Errorf("%s needs %s, which no registered kind with an effect is", m.Name, need)
			}
		}
		if got, ok := Of(m.Name); !ok || got.Version != m.Version {
			t.Errorf("Of(%s) = %+v", m.Name, got)
		}
		if strings.HasSuffix(m.Name, "_ms") != (m.Unit == Milliseconds) {
			t.Errorf("%s is in %s: the names of durations, and of nothing else, end in _ms", m.Name, m.Unit)
		}
	}
	if _, ok := Of("nothing"); ok {
		t.Error("nothing is a measure")
	}
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	const good = "- {name: a, label: {en: a, de: a}, unit: count, version: 1, reports: [r], meaning: {en: a, de: a}}\n"
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ yaml, want string }{
		{good + good, "[1].name"},
		{strings.Replace(good, "name: a", "name: A b", 1), "[0].name"},
		{strings.Replace(good, "unit: count", "unit: furlong", 1), "[0].unit"},
		{strings.Replace(good, "version: 1", "version: 0", 1), "[0].version"},
		{strings.Replace(good, "meaning: {en: a, de: a}", "meaning: {en: a}", 1), "[0].meaning"},
		{strings.Replace(good, "label: {en: a, de: a}", "label: {de: a}", 1), "[0].label"},
		{strings.Replace(good, "reports: [r]", "reports: []", 1), "[0].reports"},
		{strings.Replace(good, "unit:", "units:", 1), "units"},
	} {
		if _, err := Parse([]byte(bad.yaml)); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("Parse(%s) = %v, want an error that names %s", bad.yaml, err, bad.want)
		}
	}
}
