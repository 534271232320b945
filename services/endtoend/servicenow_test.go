package endtoend

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

// The log of a real service desk through the command line: what comes out is what the file says.
func TestServiceNow(t *testing.T) {
	t.Parallel()
	rows := readIncidents(t)
	want := tickets(rows)
	u := startUp(t)
	importIncidents := func(u *up, address string) {
		t.Helper()
		run(t, "import", "--mapping", "servicenow-incidents", "--url", address, "--key", u.key, "--state", filepath.Join(t.TempDir(), "state"), incidentsFile)
	}
	importIncidents(u, u.url)
	report := u.settle()
	if report.Touchpoints != 9919 || report.Conversations != 1500 || report.People != 985 || len(rows) != 9919 || len(want) != 1500 {
		t.Fatalf("%+v", report)
	}
	t.Run("touchpoints", func(t *testing.T) { compareTouchpoints(t, u, rows) })
	t.Run("conversations", func(t *testing.T) { compareConversations(t, u, want) })
	t.Run("callers", func(t *testing.T) { compareCallers(t, u, rows, want) })
	t.Run("again", func(t *testing.T) {
		importIncidents(u, u.url)
		if again := u.settle(); again.Touchpoints != report.Touchpoints || again.Duplicates != 9919 || again.Conflicts != 0 {
			t.Fatalf("%+v, before %+v", again, report)
		}
		compareTouchpoints(t, u, rows)
		compareConversations(t, u, want)
	})
	t.Run("killed", func(t *testing.T) {
		other := u.as(newKey(t, u, "killed"))
		door := newGate(t, u.url, 3)
		state := filepath.Join(t.TempDir(), "state")
		args := append([]string{"import", "--mapping", "servicenow-incidents", "--url", door.url, "--key", other.key, "--state", state}, incidentsFile)
		p := program.Start(t, "import", args...)
		select {
		case <-door.shut:
		case <-time.After(30 * time.Second):
			t.Fatal("the import did not come so far")
		}
		p.Kill()
		door.open()
		run(t, args...)
		u.settle()
		compareTouchpoints(t, other, rows)
		compareConversations(t, other, want)
	})
}

// gate passes some requests on, and holds those after them until it is opened.
type gate struct {
	url  string
	shut chan struct{} // closed when a request waits
	free chan struct{}
}

func newGate(t *testing.T, to string, pass int32) *gate {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{shut: make(chan struct{}), free: make(chan struct{})}
	var n atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := n.Add(1); {
		case n == pass+1:
			close(g.shut)
			fallthrough
		case n > pass:
			select {
			case <-g.free:
			case <-r.Context().Done():
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	g.url = s.URL
	return g
}

func (g *gate) open() { close(g.free) }

// newKey makes a key for a workspace through the command line.
func newKey(t testing.TB, u *up, workspace string) string {
	t.Helper()
	key := strings.TrimSpace(run(t, "keys", "create", "--kafka", u.kafka, "--workspace", workspace).Stdout)
	eventually(t, 10*time.Second, func() error {
		a, err := u.as(key).request(http.MethodGet, "/v1/status", nil, nil)
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("the key is not let in: %d", a.status)
		}
		return err
	})
	return key
}

const allOf2016 = "from=2016-01-01&to=2017-06-01&limit=10000"

// figures of the touchpoint report.
type figures struct{ Touchpoints, People, Conversations int }

type reportAnswer[R any] struct {
	Rows   []R
	Totals R
	Groups int
}

// compareTouchpoints compares the report by every dimension that the log has.
func compareTouchpoints(t *testing.T, u *up, rows []incident) {
	t.Helper()
	tag := func(r incident) string {
		if r.ivr {
			return "ivr"
		}
		return ""
	}
	direction := func(r incident) string {
		if r.first {
			return "inbound"
		}
		return "internal"
	}
	for by, of := range map[string]func(incident) string{
		"channel":   func(r incident) string { return r.channel },
		"day":       func(r incident) string { return r.time.Format("2006-01-02T00:00:00Z") },
		"month":     func(r incident) string { return r.time.Format("2006-01") + "-01T00:00:00Z" },
		"team":      func(r incident) string { return r.team },
		"topic":     func(r incident) string { return r.topic },
		"tag":       tag,
		"direction": direction,
		"channel,team,day": func(r incident) string {
			return r.channel + "," + r.team + "," + r.time.Format("2006-01-02T00:00:00Z")
		},
	} {
		want := count(rows, of)
		got := map[string]figures{}
		answer := get[reportAnswer[map[string]any]](u, "/v1/reports/touchpoints?"+allOf2016+"&by="+by)
		for _, row := range answer.Rows {
			got[dimensions(row, by)] = figuresOf(row)
		}
		if !maps.Equal(got, want) {
			t.Errorf("by %s: %d rows, want %d: %s", by, len(got), len(want), firstDifference(got, want))
		}
		if totals := figuresOf(answer.Totals); totals != (figures{9919, 985, 1500}) || answer.Groups != len(want) {
			t.Errorf("by %s: totals %+v of %d groups", by, totals, answer.Groups)
		}
	}
	some := func(r incident) bool { return r.channel == "phone" && r.team == "56" }
	filtered := slices.DeleteFunc(slices.Clone(rows), func(r incident) bool { return !some(r) })
	one := get[reportAnswer[figures]](u, "/v1/reports/touchpoints?"+allOf2016+"&channel=phone&team=56")
	if want := count(filtered, func(incident) string { return "" })[""]; one.Totals != want || want.Touchpoints == 0 {
		t.Errorf("phone of team 56: %+v, want %+v", one.Totals, want)
	}
}

func count(rows []incident, of func(incident) string) map[string]figures {
	type sets struct{ people, conversations map[string]bool }
	out, seen := map[string]figures{}, map[string]sets{}
	for _, r := range rows {
		k := of(r)
		if _, ok := seen[k]; !ok {
			seen[k] = sets{map[string]bool{}, map[string]bool{}}
		}
		seen[k].people[r.caller], seen[k].conversations[r.number] = true, true
		out[k] = figures{out[k].Touchpoints + 1, len(seen[k].people), len(seen[k].conversations)}
	}
	return out
}

func dimensions(row map[string]any, by string) string {
	var values []string
	for name := range strings.SplitSeq(by, ",") {
		values = append(values, fmt.Sprint(row[name]))
	}
	return strings.Join(values, ",")
}

func figuresOf(row map[string]any) figures {
	n := func(name string) int { v, _ := row[name].(float64); return int(v) }
	return figures{n("touchpoints"), n("people"), n("conversations")}
}

func firstDifference[V comparable](got, want map[string]V) string {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			return fmt.Sprintf("%q is %+v, want %+v", k, got[k], want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			return fmt.Sprintf("%q is %+v, want none", k, got[k])
		}
	}
	return "none"
}

// conversationRow is a row of the conversation report.
type conversationRow struct {
	Channel, Month, Team, Topic     string
	Count, Open, Resolved, Reopened int
	OneContact                      int  `json:"one_contact"`
	Response                        stat `json:"first_response_ms"`
	Resolution                      stat `json:"resolution_ms"`
}

type stat struct {
	N                             int
	Mean, P50, P75, P90, P95, P99 float64
}

func (r conversationRow) key(by string) string {
	return map[string]string{"": "", "channel": r.Channel, "month": r.Month, "team": r.Team, "topic": r.Topic}[by]
}

// compareConversations compares the report of conversations, and every conversation of the list.
func compareConversations(t *testing.T, u *up, want []ticket) {
	t.Helper()
	for by, of := range map[string]func(ticket) string{
		"":        func(ticket) string { return "" },
		"channel": func(k ticket) string { return k.channel },
		"month":   func(k ticket) string { return k.began.Format("2006-01") + "-01T00:00:00Z" },
		"team":    func(k ticket) string { return k.Team },
		"topic":   func(k ticket) string { return k.Topic },
	} {
		groups := map[string][]ticket{}
		for _, k := range want {
			groups[of(k)] = append(groups[of(k)], k)
		}
		path := "/v1/reports/conversations?" + allOf2016
		if by != "" {
			path += "&by=" + by
		}
		answer := get[reportAnswer[conversationRow]](u, path)
		if len(answer.Rows) != len(groups) || answer.Totals.Count != len(want) {
			t.Errorf("by %q: %d rows of %d conversations, want %d", by, len(answer.Rows), answer.Totals.Count, len(groups))
		}
		for _, row := range answer.Rows {
			compareRow(t, by, row, groups[row.key(by)])
		}
	}
	got := map[string]int{}
	each(u, "/v1/conversations?limit=200", "conversations", func(c conversationAnswer) { got[fmt.Sprint(c.ticket())]++ })
	listed := map[string]int{}
	for _, k := range want {
		listed[fmt.Sprint(k.shown())]++
	}
	if !maps.Equal(got, listed) {
		t.Errorf("the list: %s", firstDifference(got, listed))
	}
}

func compareRow(t *testing.T, by string, row conversationRow, group []ticket) {
	t.Helper()
	reopened, took := 0, []int64{}
	sum := 0.0
	for _, k := range group {
		if k.Reopenings > 0 {
			reopened++
		}
		took = append(took, k.Resolution)
		sum += float64(k.Resolution)
	}
	slices.Sort(took)
	if len(group) == 0 {
		t.Errorf("by %q: %+v should not be", by, row)
		return
	}
	want := stat{len(took), sum / float64(len(took)), percentile(took, 0.5), percentile(took, 0.75), percentile(took, 0.9), percentile(took, 0.95), percentile(took, 0.99)}
	if row.Count != len(group) || row.Open != 0 || row.Resolved != len(group) || row.Reopened != reopened || row.OneContact != len(group) || row.Response.N != 0 {
		t.Errorf("by %q: %+v, want %d of which %d reopened", by, row, len(group), reopened)
	}
	if !row.Resolution.near(want) {
		t.Errorf("by %q: %s: resolution %+v, want %+v", by, row.key(by), row.Resolution, want)
	}
}

// near allows what floating point sums differ by.
func (s stat) near(o stat) bool {
	same := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }
	return s.N == o.N && same(s.Mean, o.Mean) && same(s.P50, o.P50) && same(s.P75, o.P75) && same(s.P90, o.P90) && same(s.P95, o.P95) && same(s.P99, o.P99)
}

// conversationAnswer is a conversation as the API shows it.
type conversationAnswer struct {
	ID, Person         string
	First, Last        string
	Touchpoints        int
	State, Team, Topic string
	Channels           []string
	Reopenings         int
	HandOvers          int   `json:"hand_overs"`
	Resolution         int64 `json:"resolution_ms"`
}

func (c conversationAnswer) ticket() ticket {
	return ticket{First: c.First, Last: c.Last, Touchpoints: c.Touchpoints, State: c.State, Team: c.Team, Topic: c.Topic,
		Channels: strings.Join(append(c.Channels, ""), " "), Reopenings: c.Reopenings, HandOver: c.HandOvers, Resolution: c.Resolution}
}

// shown is the ticket without what the API does not show.
func (k ticket) shown() ticket {
	k.number, k.caller, k.channel, k.began = "", "", "", time.Time{}
	return k
}

// each reads a list page by page.
func each[T any](u *up, path, name string, f func(T)) {
	u.tb.Helper()
	type page struct {
		Next          string
		Conversations []T
		Touchpoints   []T
		DeadLetters   []T `json:"dead_letters"`
	}
	for cursor := ""; ; {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		at := path
		if cursor != "" {
			at += separator + "cursor=" + cursor
		}
		p := get[page](u, at)
		for _, of := range map[string][]T{"conversations": p.Conversations, "touchpoints": p.Touchpoints, "dead_letters": p.DeadLetters}[name] {
			f(of)
		}
		if cursor = p.Next; cursor == "" {
			return
		}
	}
}

// compareCallers looks some callers up as an agent does.
func compareCallers(t *testing.T, u *up, rows []incident, want []ticket) {
	t.Helper()
	byCaller := map[string][]incident{}
	for _, r := range rows {
		byCaller[r.caller] = append(byCaller[r.caller], r)
	}
	callers := slices.Sorted(maps.Keys(byCaller))
	sort.SliceStable(callers, func(i, j int) bool { return len(byCaller[callers[i]]) > len(byCaller[callers[j]]) })
	some := callers[:5] // those with the most to tell
	for i := 5; i < len(callers); i += 200 {
		some = append(some, callers[i])
	}
	for _, caller := range some {
		rows := byCaller[caller]
		slices.SortStableFunc(rows, func(a, b incident) int { return b.time.Compare(a.time) })
		person := get[struct {
			ID                         string
			Touchpoints, Conversations int
			FirstSeen                  string `json:"first_seen"`
			LastSeen                   string `json:"last_seen"`
		}](u, findPerson("customer_id:"+caller))
		theirs := map[string]int{}
		for _, k := range want {
			if k.caller == caller {
				theirs[fmt.Sprint(k.shown())]++
			}
		}
		if person.Touchpoints != len(rows) || person.LastSeen != stamp(rows[0].time) || person.FirstSeen != stamp(rows[len(rows)-1].time) {
			t.Errorf("caller %s: %+v, want %d touchpoints from %s to %s", caller, person, len(rows), stamp(rows[len(rows)-1].time), stamp(rows[0].time))
		}
		var got, timeline []string
		each(u, "/v1/people/"+person.ID+"/timeline?limit=7", "touchpoints", func(p struct {
			Time   string
			Thread []string
		}) {
			got = append(got, p.Time+" "+strings.Join(p.Thread, " "))
		})
		for _, r := range rows {
			timeline = append(timeline, stamp(r.time)+" ticket:"+r.number)
		}
		if !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b[:len(timeLayout)], a[:len(timeLayout)]) }) {
			t.Errorf("caller %s: the timeline is not newest first: %s", caller, got)
		}
		slices.Sort(got)
		slices.Sort(timeline)
		if !slices.Equal(got, timeline) {
			t.Errorf("caller %s: timeline of %d, want %d", caller, len(got), len(timeline))
		}
		conversations := map[string]int{}
		each(u, "/v1/people/"+person.ID+"/conversations?limit=3", "conversations", func(c conversationAnswer) {
			conversations[fmt.Sprint(c.ticket())]++
			if c.Person != person.ID {
				t.Errorf("conversation of %s, not of %s", c.Person, person.ID)
			}
		})
		if !maps.Equal(conversations, theirs) {
			t.Errorf("caller %s: %s", caller, firstDifference(conversations, theirs))
		}
	}
}
