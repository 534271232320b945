package serve

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
)

// What the console calls a kind on its tab is what the API calls it in its rows.
func TestCracksHaveOneName(t *testing.T) {
	for language, of := range map[string]func(registry.Text) string{
		"en": func(t registry.Text) string { return t.EN },
		"de": func(t registry.Text) string { return t.DE },
	} {
		data, err := os.ReadFile("../console/web/src/locales/" + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var words struct {
			Cracks struct {
				Kinds map[string]string `json:"kinds"`
			} `json:"cracks"`
		}
		if err := json.Unmarshal(data, &words); err != nil {
			t.Fatal(err)
		}
		for _, kind := range crackKinds {
			if got, want := words.Cracks.Kinds[kind], of(crackTexts[kind]); got != want {
				t.Errorf("%s: %s is %q in the console and %q in the API", language, kind, got, want)
			}
		}
	}
}
