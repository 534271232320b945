package endtoend

import (
	"cmp"
	"encoding/csv"
	"os"
	"slices"
	"testing"
	"time"
)

const incidentsFile = "../../../shared/data/servicenow-incidents/incidents.csv"

// incident is one row of the log, read by this test's own code.
type incident struct {
	number, state, caller, channel, team, topic string
	ivr, first, reopened                        bool
	time                                        time.Time
}

// readIncidents reads the log with encoding/csv. Rows of an incident in one minute stand a millisecond apart.
func readIncidents(t *testing.T) (rows []incident) {
	t.Helper()
	f, err := os.Open(incidentsFile)
	if err != nil {
		t.Skipf("the incident log is not here: %v", err)
	}
	defer func() { _ = f.Close() }()
	cells, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range cells[0] {
		if _, twice := column[name]; twice {
			name = "second " + name
		}
		column[name] = i
	}
	channels := map[string]string{"Phone": "phone", "Email": "email", "Self service": "portal", "IVR": "phone", "Direct opening": "store"}
	minutes, reopened, known := map[string]int{}, map[string]string{}, map[string]bool{}
	present := func(s string) string {
		if s == "?" {
			return ""
		}
		return s
	}
	for _, cell := range cells[1:] {
		at := func(name string) string { return cell[column[name]] }
		when, err := time.Parse("2/1/2006 15:04", at("sys_updated_at"))
		if err != nil {
			t.Fatal(err)
		}
		minute := at("number") + " " + at("sys_updated_at")
		r := incident{
			number: at("number"), state: at("ident_state"), caller: at("caller_id"), channel: channels[at("contact_type")],
			team: present(at("assignment_group")), topic: present(at("second category")), ivr: at("contact_type") == "IVR",
			first: !known[at("number")], reopened: at("reopen_count") != cmp.Or(reopened[at("number")], "0"),
			time: when.Add(time.Duration(minutes[minute]) * time.Millisecond),
		}
		minutes[minute]++
		known[r.number], reopened[r.number] = true, at("reopen_count")
		rows = append(rows, r)
	}
	return rows
}

// ticket is what is to be known of one incident.
type ticket struct {
	First, Last          string // RFC 3339
	Touchpoints          int
	State, Team, Topic   string
	Channels             string
	Reopenings, HandOver int
	Resolution           int64 // ms
	number, caller       string
	channel              string // of the first row
	began                time.Time
}

// tickets tells the story of each incident: it is settled by its first Resolved or Closed after it was open, and opened
// again by a row that counts so. A hand-over is another team than the last.
func tickets(rows []incident) (out []ticket) {
	byNumber := map[string][]incident{}
	for _, r := range rows {
		byNumber[r.number] = append(byNumber[r.number], r)
	}
	for number, rows := range byNumber {
		slices.SortStableFunc(rows, func(a, b incident) int { return a.time.Compare(b.time) })
		first, last := rows[0], rows[len(rows)-1]
		k := ticket{
			First: stamp(first.time), Last: stamp(last.time), Touchpoints: len(rows), number: number, caller: first.caller,
			channel: first.channel, began: first.time,
		}
		settled, team := false, ""
		seen := []string{}
		for _, r := range rows {
			switch {
			case r.state == "Resolved" || r.state == "Closed":
				if !settled {
					k.Resolution = r.time.Sub(first.time).Milliseconds()
				}
				settled = true
			case settled && (r.reopened || r.state == "Awaiting User Info" || r.first && r.state == "New"):
				settled = false
				k.Reopenings++
			}
			if r.team != "" && team != "" && r.team != team {
				k.HandOver++
			}
			team, k.Topic = cmp.Or(r.team, team), cmp.Or(r.topic, k.Topic)
			if !slices.Contains(seen, r.channel) {
				seen = append(seen, r.channel)
				k.Channels += r.channel + " "
			}
		}
		k.State, k.Team = "closed", team // every incident of the log was closed in the end
		if !settled || last.state != "Closed" {
			k.State = "not closed"
		}
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b ticket) int { return cmp.Compare(a.number, b.number) })
	return out
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// stamp is a time as the API writes it.
func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

// percentile interpolates linearly between the two nearest values.
func percentile(sorted []int64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	low := int(at)
	if low+1 == len(sorted) {
		return float64(sorted[low])
	}
	return float64(sorted[low]) + (at-float64(low))*float64(sorted[low+1]-sorted[low])
}
