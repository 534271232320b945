package source_test

import (
	"encoding/json"
	"testing"

	"github.com/throughline/throughline/schemas/sources"
	"github.com/throughline/throughline/streams/source"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

// FuzzSources gives bodies to the sources that ship: whatever comes, each item is JSON, skipped or refused with a reason, and the same again.
func FuzzSources(f *testing.F) {
	readers := map[string][2]*source.Reader{}
	for _, name := range sources.Names() {
		s := sourcetest.Load(f, name)
		readers[name] = [2]*source.Reader{s.NewReader(nil), s.NewReader(nil)}
	}
	for _, fx := range sourcetest.All(f, folder) {
		f.Add(fx.Source.Name, fx.Request.Headers.Get("Content-Type"), fx.Request.Body)
	}
	f.Fuzz(func(t *testing.T, name, contentType string, body []byte) {
		both, ok := readers[name]
		if !ok {
			return
		}
		request := &source.Request{Method: "POST", URL: "https://throughline.example/v1/sources/" + name + "/KEY", Headers: map[string][]string{"Content-Type": {contentType}}, Body: body}
		first, err := both[0].Preview(request)
		second, again := both[1].Preview(request)
		if (err == nil) != (again == nil) || len(first.Items) != len(second.Items) {
			t.Fatalf("%v, then %v", err, again)
		}
		for i, item := range first.Items {
			ways := 0
			for _, is := range []bool{len(item.Touchpoint) > 0, item.Skipped != "", item.Refused != nil} {
				if is {
					ways++
				}
			}
			if ways != 1 {
				t.Errorf("item %d is %+v", i, item)
			}
			if len(item.Touchpoint) > 0 && (!json.Valid(item.Touchpoint) || string(item.Touchpoint) != string(second.Items[i].Touchpoint)) {
				t.Errorf("item %d is %s, then %s", i, item.Touchpoint, second.Items[i].Touchpoint)
			}
		}
	})
}
