package serve

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// table reads a report as CSV.
func (f *fixture) table(target string) (rows [][]string, header http.Header) {
	f.tb.Helper()
	answer := f.do(http.MethodGet, "ours-key", target, nil)
	rows, err := csv.NewReader(answer.Body).ReadAll()
	if err != nil || answer.StatusCode != http.StatusOK {
		f.tb.Fatalf("%s: %d %v", target, answer.StatusCode, err)
	}
	return rows, answer.Header
}

// What customers wrote is a text in a spreadsheet, whatever it begins with.
func TestCSVHasNoFormulas(t *testing.T) {
	f := start(t)
	evil := []string{`=HYPERLINK("http://evil.example","x")`, "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "a=1", "'=1", "1,5"}
	var events []event
	for i, account := range evil {
		events = append(events, event{id: fmt.Sprint(i), time: "2026-11-01T09:00:00Z", account: account, tags: []string{account}, identifiers: ids("customer_id:A")})
	}
	f.store(events...)
	for _, dimension := range []string{"account", "tag"} {
		rows, _ := f.table("/v1/reports/touchpoints?format=csv&figures=touchpoints&from=2026-11-01&by=" + dimension)
		var want []string
		for _, text := range evil {
			if strings.ContainsAny(text[:1], "=+-@\t\r\n") || strings.HasPrefix(text, "＝") {
				text = "'" + text
			}
			want = append(want, strings.ReplaceAll(text, "\r", "")) // the reader's
		}
		var got []string
		for _, row := range rows[1:] {
			got = append(got, strings.ReplaceAll(row[0], "\r", ""))
			if row[1] != "1" {
				t.Errorf("numbers are as they are: %q", row)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("by %s: %q, want %q", dimension, got, want)
		}
	}
}

func TestCSVHasAllRows(t *testing.T) {
	f := start(t)
	var events []event
	for i := range 1200 {
		events = append(events, event{id: fmt.Sprint(i), time: "2026-11-01T09:00:00Z", account: fmt.Sprint(i), identifiers: ids("customer_id:A")})
	}
	f.store(events...)
	const ask = "/v1/reports/touchpoints?figures=touchpoints&by=account&from=2026-11-01"
	for _, c := range []struct {
		more                    string
		rows, groups, truncated string
	}{{"&format=csv", "1200", "1200", "false"}, {"&format=csv&compare=previous", "1200", "1200", "false"}, {"&format=csv&limit=7", "7", "1200", "true"}} {
		rows, header := f.table(ask + c.more)
		if fmt.Sprint(len(rows)-1) != c.rows || header.Get("Throughline-Groups") != c.groups || header.Get("Throughline-Truncated") != c.truncated {
			t.Errorf("%s: %d rows, %v", c.more, len(rows)-1, header)
		}
	}
	if got := f.do(http.MethodGet, "ours-key", ask, nil).Header.Get("Throughline-Truncated"); got != "true" {
		t.Errorf("JSON has a thousand rows unless more are asked for: truncated %q", got)
	}
}

func TestCSVSpeaksToPeople(t *testing.T) {
	f := start(t)
	const ask = "/v1/reports/conversations?format=csv&by=day,channel&figures=count,first_response_ms&compare=previous&restated=true"
	for language, want := range map[string]string{
		"":         "day channel count first_response_n first_response_mean_ms first_response_p50_ms",
		"&lang=de": "Tag Kanal Gespräche Erste Antwort, Anzahl Erste Antwort, Mittel (ms) Erste Antwort, p50 (ms)",
		"&lang=en": "Day Channel Conversations First response, number First response, mean (ms) First response, p50 (ms)",
	} {
		rows, _ := f.table(ask + language)
		if got := strings.Join(rows[0][:6], " "); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	rows, _ := f.table(ask + "&lang=de")
	for _, want := range []string{"Davor: Tag", "Davor: Gespräche", "Bei Abschluss: Gespräche", "Davor, bei Abschluss: Erste Antwort, Anzahl"} {
		if !slices.Contains(rows[0], want) {
			t.Errorf("no column %q in %q", want, rows[0])
		}
	}
	// A column has a name of its own, in any report and language.
	for name, k := range map[string]*kind{"touchpoints": touchpointReport, "conversations": conversationReport} {
		for _, language := range []string{"", "en", "de"} {
			r := &reportQuery{kind: k, language: language, labelled: language != "", compare: true, restated: true}
			r.by = k.dimensions
			seen := map[string]bool{}
			for _, column := range r.csvHeader() {
				if seen[column] || column == "" {
					t.Errorf("%s, %q: %q is there twice or empty", name, language, column)
				}
				seen[column] = true
			}
		}
	}
}
