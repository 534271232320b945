package promise

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/registry"
)

const policy = `
calendars:
  - name: day
    versions: [{zone: Europe/Berlin, week: {mon-fri: ["08:00-12:00", "13:00-17:00"]}}]
  - name: night
    versions: [{zone: Europe/Berlin, week: {mon-sun: ["00:00-08:00", "17:00-24:00"]}}]
calendar: day
teams: {owls: night}
targets:
  - {name: urgent, priorities: [urgent], calendar: always, first_response: 15m}
  - {name: mail, channels: [email], first_response: 4h, next_response: 2h, resolution: 16h}
  - {name: acme, accounts: [acme], topics: [invoice], first_response: 1h}
`

// at is an instant of March 2026, by the clocks of Berlin in winter.
func at(s string) int64 {
	t, err := time.ParseInLocation("2006-01-02 15:04", "2026-03-"+s, time.FixedZone("CET", 3600))
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func line(p Promise) string {
	due := "-"
	if p.Due != 0 {
		due = time.UnixMilli(p.Due).UTC().Add(time.Hour).Format("02 15:04")
	}
	return fmt.Sprintf("%s %s after %s, left %s, due %s", p.Metric, p.Status, time.Duration(p.Elapsed)*time.Millisecond, time.Duration(p.Left)*time.Millisecond, due)
}

func TestPromises(t *testing.T) {
	p, err := Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	mail := conversation.Conversation{Channels: []string{"email"}, State: conversation.WaitingForUs, Begun: at("02 16:00"), Contacts: 1} // a Monday
	wait := func(from, to string, kind conversation.WaitKind) conversation.Wait {
		w := conversation.Wait{From: at(from), Kind: kind}
		if to != "" {
			w.To = at(to)
		}
		return w
	}
	for _, c := range []struct {
		what string
		now  string
		make func(c *conversation.Conversation)
		want []string
	}{
		{"waiting over night", "03 09:00", func(c *conversation.Conversation) {
			c.Waits = []conversation.Wait{wait("02 16:00", "", conversation.FirstWait)}
		}, []string{"first_response running after 2h0m0s, left 2h0m0s, due 03 11:00", "resolution running after 2h0m0s, left 14h0m0s, due 04 16:00"}},
		{"at risk", "03 10:00", func(c *conversation.Conversation) {
			c.Waits = []conversation.Wait{wait("02 16:00", "", conversation.FirstWait)}
		}, []string{"first_response at_risk after 3h0m0s, left 1h0m0s, due 03 11:00", "resolution running after 3h0m0s, left 13h0m0s, due 04 16:00"}},
		{"missed", "03 14:00", func(c *conversation.Conversation) {
			c.Waits = []conversation.Wait{wait("02 16:00", "", conversation.FirstWait)}
		}, []string{"first_response missed after 6h0m0s, left -2h0m0s, due 03 11:00", "resolution running after 6h0m0s, left 10h0m0s, due 04 16:00"}},
		{"answered, and the customer is awaited", "20 14:00", func(c *conversation.Conversation) {
			c.State = conversation.WaitingForCustomer
			c.Waits = []conversation.Wait{wait("02 16:00", "03 09:00", conversation.FirstWait)}
			c.Pauses = []conversation.Pause{{From: at("03 09:00")}}
		}, []string{"first_response kept after 2h0m0s, left 0s, due -", "resolution running after 2h0m0s, left 14h0m0s, due -"}},
		{"the next one missed, and the one after kept", "05 14:00", func(c *conversation.Conversation) {
			c.State = conversation.Resolved
			c.Waits = []conversation.Wait{wait("02 16:00", "03 09:00", conversation.FirstWait), wait("04 08:00", "04 11:00", conversation.LaterWait), wait("04 14:00", "04 15:00", conversation.LaterWait)}
			c.Pauses = []conversation.Pause{{From: at("03 09:00"), To: at("04 08:00")}, {From: at("04 11:00"), To: at("04 14:00")}, {From: at("04 15:00")}}
		}, []string{"first_response kept after 2h0m0s, left 0s, due -", "next_response missed after 1h0m0s, left 0s, due -", "resolution kept after 6h0m0s, left 0s, due -"}},
		{"settled without an answer", "03 14:00", func(c *conversation.Conversation) {
			c.State = conversation.Closed
			c.Waits = []conversation.Wait{wait("02 16:00", "03 09:00", conversation.Unheard)}
			c.Pauses = []conversation.Pause{{From: at("03 09:00")}}
		}, []string{"resolution kept after 2h0m0s, left 0s, due -"}},
		{"settled without an answer, and too late for one", "04 14:00", func(c *conversation.Conversation) {
			c.State = conversation.Closed
			c.Waits = []conversation.Wait{wait("02 16:00", "03 11:30", conversation.Unheard)}
			c.Pauses = []conversation.Pause{{From: at("03 11:30")}}
		}, []string{"first_response missed after 4h30m0s, left 0s, due -", "resolution kept after 4h30m0s, left 0s, due -"}},
		{"opened again after that, which an answer does not mend", "05 14:00", func(c *conversation.Conversation) {
			c.State = conversation.WaitingForCustomer
			c.Waits = []conversation.Wait{wait("02 16:00", "03 11:30", conversation.Unheard), wait("04 08:00", "04 09:00", conversation.FirstWait)}
			c.Pauses = []conversation.Pause{{From: at("03 11:30"), To: at("04 08:00")}, {From: at("04 09:00")}}
		}, []string{"first_response missed after 1h0m0s, left 0s, due -", "resolution running after 5h30m0s, left 10h30m0s, due -"}},
		{"the last question settled too late for an answer", "05 14:00", func(c *conversation.Conversation) {
			c.State = conversation.Resolved
			c.Waits = []conversation.Wait{wait("02 16:00", "03 09:00", conversation.FirstWait), wait("04 08:00", "04 11:00", conversation.Unheard)}
			c.Pauses = []conversation.Pause{{From: at("03 09:00"), To: at("04 08:00")}, {From: at("04 11:00")}}
		}, []string{"first_response kept after 2h0m0s, left 0s, due -", "next_response missed after 3h0m0s, left 0s, due -", "resolution kept after 5h0m0s, left 0s, due -"}},
		{"the last question settled in time", "05 14:00", func(c *conversation.Conversation) {
			c.State = conversation.Resolved
			c.Waits = []conversation.Wait{
				wait("02 16:00", "03 09:00", conversation.FirstWait), wait("04 08:00", "04 09:00", conversation.LaterWait), wait("04 14:00", "04 14:30", conversation.Unheard),
			}
			c.Pauses = []conversation.Pause{{From: at("03 09:00"), To: at("04 08:00")}, {From: at("04 09:00"), To: at("04 14:00")}, {From: at("04 14:30")}}
		}, []string{"first_response kept after 2h0m0s, left 0s, due -", "next_response kept after 1h0m0s, left 0s, due -", "resolution kept after 3h30m0s, left 0s, due -"}},
		{"what nobody asked for is not promised", "20 14:00", func(c *conversation.Conversation) { c.State, c.Contacts = conversation.Open, 0 }, nil},
		{"handed over to those who work at night", "02 20:00", func(c *conversation.Conversation) {
			c.Waits = []conversation.Wait{wait("02 16:00", "", conversation.FirstWait)}
			c.Turns = []conversation.Turn{{At: at("02 16:00"), Team: "desk"}, {At: at("02 18:00"), Team: "owls"}}
		}, []string{"first_response at_risk after 3h0m0s, left 1h0m0s, due 02 21:00", "resolution running after 3h0m0s, left 13h0m0s, due 03 18:00"}},
		{"urgent, around the clock", "02 17:30", func(c *conversation.Conversation) {
			c.Tags = []string{"priority:urgent"}
			c.Waits = []conversation.Wait{wait("02 16:00", "", conversation.FirstWait)}
		}, []string{"first_response missed after 1h30m0s, left -1h15m0s, due 02 16:15", "resolution running after 1h0m0s, left 15h0m0s, due 04 16:00"}},
		{"nothing is promised by phone", "02 17:30", func(c *conversation.Conversation) { c.Channels = []string{"phone"} }, nil},
		{"but to acme about invoices", "03 17:30", func(c *conversation.Conversation) {
			c.Channels, c.Account, c.Topic = []string{"phone"}, "acme", "invoice"
			c.Waits = []conversation.Wait{wait("02 16:00", "03 08:00", conversation.FirstWait)}
		}, []string{"first_response kept after 1h0m0s, left 0s, due -"}},
	} {
		one := mail
		c.make(&one)
		var got []string
		for _, promise := range p.Of(&one, at(c.now)) {
			got = append(got, line(promise))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.what, got, c.want)
		}
	}
}

func TestRegistryAsPromises(t *testing.T) {
	r := registry.Default()
	p := OfRegistry(r)
	for _, channel := range r.Channels {
		c := conversation.Conversation{Channels: []string{channel.Name}}
		for _, m := range []Metric{FirstResponse, NextResponse} {
			if target := p.TargetOf(&c, m); target == nil || target.Within[m] != channel.Respond.Milliseconds() {
				t.Errorf("%s by %s: %+v", m, channel.Name, target)
			}
		}
		if p.TargetOf(&c, Resolution) != nil {
			t.Errorf("a resolution is promised by %s", channel.Name)
		}
	}
	again, err := Parse(p.YAML())
	if err != nil || len(again.Targets) != len(p.Targets) {
		t.Errorf("%v: %s", err, p.YAML())
	}
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"targets: [{channels: [email]}]", "targets[0]: promises nothing"},
		{"targets: [{first_response: soon}]", "targets[0].first_response"},
		{"targets: [{resolution: 9000h}]", "targets[0].resolution"},
		{"targets: [{first_response: 1h, calendar: day}]", "targets[0].calendar"},
		{"targets: [{first_response: 1h, channels: ['']}]", "targets[0].channels"},
		{"calendar: day", "calendar: there is no"},
		{"teams: {a: day}", "teams.a"},
		{"calendars: [{name: always, versions: [{zone: UTC}]}]", "always"},
		{"calendars: [{name: a, versions: [{zone: X}]}]", "calendars[0].versions[0].zone"},
		{"promises: []", "promises"},
	} {
		if _, err := Parse([]byte(c.yaml)); !errors.Is(err, ErrBadPolicy) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error that names %s", c.yaml, err, c.want)
		}
	}
}

// TestStatusFollowsTime: what is said of a promise while time passes agrees with what is said at other times.
func TestStatusFollowsTime(t *testing.T) {
	p, err := Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := at("02 00:00") + int64(rapid.IntRange(0, 14*1440).Draw(t, "from"))*60_000
		c := conversation.Conversation{Channels: []string{"email"}, State: conversation.WaitingForUs, Begun: from, Waits: []conversation.Wait{{From: from, Kind: conversation.FirstWait}}}
		now := from + int64(rapid.IntRange(0, 5*1440).Draw(t, "now"))*60_000
		one := p.Of(&c, now)[0]
		if (one.Status == Missed) != (now > one.Due && one.Elapsed > one.Target) || one.Elapsed+one.Left != one.Target {
			t.Fatal(line(one))
		}
		for _, shift := range []int64{0, 1} {
			if then := p.Of(&c, one.Due+shift)[0]; (then.Status == Missed) != (shift > 0 && then.Elapsed > then.Target) {
				t.Fatalf("%d ms after it is due: %s", shift, line(then))
			}
		}
		c.Waits[0].To = now // answered at that moment
		if answered := p.Of(&c, now+1_000_000_000)[0]; answered.Elapsed != one.Elapsed || (answered.Status == Missed) != (one.Status == Missed) {
			t.Fatalf("answered: %s, before: %s", line(answered), line(one))
		}
	})
}

// TestBoston compares with a city that says of each request by when it should be closed, and whether it was: on time is closed by
// its target, or not due yet when the file was made.
func TestBoston(t *testing.T) {
	f, err := os.Open("../../../shared/data/boston311/boston311-100.csv")
	if err != nil {
		t.Skipf("Boston's requests are not here: %v", err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	boston, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	instant := func(s string) (int64, bool) {
		v, err := time.ParseInLocation(time.DateTime, s, boston)
		return v.UnixMilli(), err == nil
	}
	judged, missed := 0, 0
	for _, row := range rows[1:] {
		opened, ok := instant(column(row, "open_dt"))
		target, promised := instant(column(row, "target_dt"))
		closed, isClosed := instant(column(row, "closed_dt"))
		if !ok {
			t.Fatalf("request %s has no beginning", column(row, "case_enquiry_id"))
		}
		if !promised {
			if got := column(row, "ontime"); got != "ONTIME" {
				t.Errorf("request %s: nothing was promised, and the city says %s", column(row, "case_enquiry_id"), got)
			}
			continue
		}
		within := time.Duration(target-opened) * time.Millisecond
		if within <= 0 {
			continue
		}
		p, err := Parse(fmt.Appendf(nil, "targets: [{resolution: %s}]", within))
		if err != nil {
			t.Fatal(err)
		}
		c := conversation.Conversation{State: conversation.WaitingForUs, Begun: opened, Contacts: 1}
		now, _ := instant("2022-06-30 00:00:00") // the file is of the half-year after
		if isClosed {
			c.State = conversation.Closed
			c.Pauses = []conversation.Pause{{From: closed}}
		}
		promise := p.Of(&c, now)[0]
		want := map[string]bool{"ONTIME": false, "OVERDUE": true}[column(row, "ontime")]
		if got := promise.Status == Missed; got != want {
			t.Errorf("request %s: %s, the city says %s", column(row, "case_enquiry_id"), line(promise), column(row, "ontime"))
		}
		judged++
		if want {
			missed++
		}
	}
	if judged < 50 || missed == 0 {
		t.Errorf("%d judged, %d missed", judged, missed)
	}
	t.Logf("%d requests with a target, %d missed it", judged, missed)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(policy))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrBadPolicy) {
				t.Fatal(err)
			}
			return
		}
		p.Of(&conversation.Conversation{Channels: []string{"email"}, Waits: []conversation.Wait{{From: 1, Kind: conversation.FirstWait}}}, 1_770_000_000_000)
	})
}
