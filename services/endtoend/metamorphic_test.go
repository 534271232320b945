package endtoend

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// The same touchpoints, sent in another order, in other batches and more than once, into workspaces of their own, give
// the same people, conversations and reports.
func TestOrderAndBatchesDoNotMatter(t *testing.T) {
	t.Parallel()
	const seed, n = 17, 2000
	u := startUp(t)
	whole := crowd(seed, "crowd-", n)
	shuffled := func(of []m, with uint64) []m {
		out := slices.Clone(of)
		rand.New(rand.NewPCG(with, 1)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	inOrder := slices.Clone(whole)
	slices.SortStableFunc(inOrder, func(a, b m) int { return int(a["time"].(int64) - b["time"].(int64)) })
	backwards := slices.Clone(inOrder)
	slices.Reverse(backwards)
	var expected string
	for _, way := range []struct {
		name        string
		touchpoints []m
		batch       int
		kill        bool
	}{
		{"in order", inOrder, 500, false},
		{"backwards", backwards, 37, false},
		{"shuffled", shuffled(whole, 1), 1000, false},
		{"each three times, shuffled, in small batches", shuffled(slices.Concat(whole, whole, whole), 2), 113, false},
		{"with a kill in the middle", shuffled(whole, 3), 200, true},
	} {
		began := time.Now()
		w := u.as(newKey(t, u, "way-"+strings.ReplaceAll(strings.Split(way.name, ",")[0], " ", "-")))
		for i, batch := range slices.Collect(slices.Chunk(way.touchpoints, way.batch)) {
			if way.kill && i == 5 {
				u.Kill()
				u.start()
			}
			w.send(batch...)
		}
		u.settle()
		settled := time.Since(began)
		got := picture(w)
		t.Logf("%s: there after %s, looked at after %s", way.name, settled.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
		if expected == "" {
			expected = got
			t.Logf("%d lines to compare", strings.Count(got, "\n"))
		} else if got != expected {
			t.Errorf("%s: %s", way.name, difference(expected, got))
		}
	}
}

// picture is everything that a workspace shows, without the ids that are made from its name.
func picture(u *up) string {
	u.tb.Helper()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	type shownConversation struct {
		ID, Person string
		rest       map[string]any
	}
	name := map[string]string{} // person -> what it is known by
	var all []shownConversation
	each(u, "/v1/conversations?limit=200", "conversations", func(c map[string]any) {
		all = append(all, shownConversation{c["id"].(string), c["person"].(string), c})
	})
	for _, c := range all {
		if _, done := name[c.Person]; done {
			continue
		}
		p := get[struct {
			Identifiers []struct {
				Type, Value string
				Touchpoints int
			}
			Channels                   []map[string]any
			Preferred                  string `json:"preferred_channel"`
			Touchpoints, Conversations int
			FirstSeen                  string `json:"first_seen"`
			LastSeen                   string `json:"last_seen"`
		}](u, "/v1/people/"+c.Person)
		var known []string
		for _, i := range p.Identifiers {
			known = append(known, fmt.Sprintf("%s:%s (%d)", i.Type, i.Value, i.Touchpoints))
		}
		slices.Sort(known)
		name[c.Person] = strings.Join(known, " ")
		add("person %s: %d touchpoints, %d conversations, %s to %s, prefers %s, %s", name[c.Person], p.Touchpoints, p.Conversations, p.FirstSeen, p.LastSeen, p.Preferred, encode(p.Channels))
	}
	for _, c := range all {
		measures := map[string]any{}
		for k, v := range c.rest {
			switch k {
			case "id", "person":
			case "participants":
				measures[k] = len(v.([]any))
			default:
				measures[k] = v
			}
		}
		members := ""
		if n := c.rest["touchpoints"].(float64); n > 25 { // each costs a request
			d := get[struct{ Touchpoints []struct{ ID string } }](u, "/v1/conversations/"+c.ID+"?limit=1000")
			var ids []string
			for _, tp := range d.Touchpoints {
				ids = append(ids, tp.ID)
			}
			slices.Sort(ids)
			members = strings.Join(ids, " ")
		}
		add("conversation of %s: %s %s", name[c.Person], encode(measures), members)
	}
	for _, path := range []string{"touchpoints?by=channel,direction", "touchpoints?by=day", "touchpoints?by=team,topic", "touchpoints?by=tag,kind", "touchpoints?by=agent",
		"conversations?by=channel", "conversations?by=day", "conversations?by=team,state", "conversations?by=tag"} {
		r := get[struct {
			Rows   []map[string]any
			Totals map[string]any
		}](u, "/v1/reports/"+path+"&"+march2026+"&limit=10000")
		for _, row := range append(r.Rows, r.Totals) {
			delete(row, "waiting_ms") // of who waits now: it grows while we look
			delete(row, "waited_ms")
			delete(row, "waited_business_ms")
			delete(row, "customer_effort")
			for name, figure := range row {
				if d, ok := figure.(map[string]any); ok && strings.HasPrefix(name, "time_") {
					row[name] = d["n"] // the state that one is in lasts on
				}
			}
			add("%s: %s", path, encode(row))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// difference is some of the lines that only one side has.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	only := func(of, other []string) (out []string) {
		for _, line := range of {
			if _, found := slices.BinarySearch(other, line); !found {
				out = append(out, line)
			}
		}
		return out
	}
	missing, extra := only(a, b), only(b, a)
	return fmt.Sprintf("%d lines missing, %d extra\n- %s\n+ %s", len(missing), len(extra), strings.Join(missing[:min(4, len(missing))], "\n- "), strings.Join(extra[:min(4, len(extra))], "\n+ "))
}
