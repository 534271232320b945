// Package promise says which promises (SLA) a conversation is under, whether they were kept, and until when they can be: from the
// intervals of the conversation, by targets and calendars that are data. Nothing about promises is stored: another target shows in every
// report, past and present.
//
// A first response is due from the first message of the customer that no human had answered; a next one from the first that no human
// has answered since; a resolution, where a customer got in touch, from the first touchpoint. Time does not count while nothing is up
// to us: while the customer has an agent's answer or was asked for something, and while the matter is settled. What was settled
// without an answer after the time of one has missed it, and before, it was no promise of one.
package promise

import (
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/streams/calendar"
)

// Metric is what is promised.
type Metric string

// The metrics.
const (
	FirstResponse Metric = "first_response"
	NextResponse  Metric = "next_response"
	Resolution    Metric = "resolution"
)

// Metrics are all of them.
var Metrics = []Metric{FirstResponse, NextResponse, Resolution}

// Status is how a promise stands.
type Status string

// The statuses. At risk is what runs and has used all but a quarter of its time.
const (
	Kept    Status = "kept"
	Missed  Status = "missed"
	Running Status = "running"
	AtRisk  Status = "at_risk"
)

// RiskShare is the part of a target that is left when a promise comes to be at risk.
const RiskShare = 4

// PriorityTag is in front of a priority where a touchpoint carries it as a tag, as in priority:urgent.
const PriorityTag = "priority:"

// Promise is one promise about a conversation. Times are ms since 1970, durations ms.
type Promise struct {
	Metric   Metric
	Status   Status
	Target   int64
	Calendar string // "" around the clock, or that of the team whose turn it is
	Elapsed  int64  // that counted, to the answer or until now
	Left     int64  // of what runs; negative when it is missed and runs on
	Due      int64  // when it will be, or was, missed; 0 when that cannot be said: while it is paused, or the calendar never opens
	Open     bool   // it runs on
}

// Of are the promises about a conversation at an instant, in the order of Metrics.
func (p *Policy) Of(c *conversation.Conversation, now int64) (out []Promise) {
	var pauses []calendar.Opening
	for _, q := range c.Pauses {
		pauses = append(pauses, calendar.Opening{Start: q.From, End: until(q.To, now)})
	}
	paused := len(c.Pauses) > 0 && c.Pauses[len(c.Pauses)-1].To == 0
	for _, m := range Metrics {
		t := p.TargetOf(c, m)
		if t == nil {
			continue
		}
		clock := calendar.Paused{Clock: p.clockOf(t, c), Pauses: pauses}
		promise := Promise{Metric: m, Target: t.Within[m], Calendar: t.Calendar}
		if promise.judge(c, clock, paused, now) {
			out = append(out, promise)
		}
	}
	return out
}

func until(to, now int64) int64 {
	if to == 0 {
		return now
	}
	return to
}

// judge says how the promise stands; false when there is nothing to keep yet.
func (p *Promise) judge(c *conversation.Conversation, clock calendar.Clock, paused bool, now int64) bool {
	if p.Metric == Resolution {
		if c.Contacts == 0 {
			return false // nobody asked for anything
		}
		settled := c.State == conversation.Resolved || c.State == conversation.Closed
		p.measure(clock, c.Begun, now, !settled, paused)
		return true
	}
	kind := conversation.FirstWait
	if p.Metric == NextResponse {
		kind = conversation.LaterWait
	}
	found, missed, answered := false, false, false
	for _, w := range c.Waits {
		unheard := w.Kind == conversation.Unheard
		if w.Kind == kind || unheard && answered == (p.Metric == NextResponse) {
			judged := *p
			judged.measure(clock, w.From, until(w.To, now), w.To == 0, paused && w.To == 0)
			if !unheard || judged.Status == Missed {
				*p, found, missed = judged, true, missed || judged.Status == Missed
			}
		}
		answered = answered || !unheard
	}
	if missed { // one that was missed is not mended by the next
		p.Status = Missed
	}
	return found
}

// measure looks at one stretch of time. Of several, what is said in the end is about the last.
func (p *Promise) measure(clock calendar.Clock, from, to int64, open, paused bool) {
	p.Elapsed, p.Open, p.Left, p.Due = clock.Between(from, to), open, 0, 0
	switch {
	case p.Elapsed > p.Target:
		p.Status = Missed
	case !open:
		p.Status = Kept
	case (p.Target-p.Elapsed)*RiskShare <= p.Target:
		p.Status = AtRisk
	default:
		p.Status = Running
	}
	if open {
		p.Left = p.Target - p.Elapsed
		if !paused || p.Left < 0 {
			p.Due, _ = clock.After(from, p.Target)
		}
	}
}

// TargetOf is the first target that applies to the conversation and promises the metric; nil when none does.
func (p *Policy) TargetOf(c *conversation.Conversation, m Metric) *Target {
	for i := range p.Targets {
		if t := &p.Targets[i]; t.Within[m] > 0 && t.applies(c) {
			return t
		}
	}
	return nil
}

func (t *Target) applies(c *conversation.Conversation) bool {
	entry := ""
	if len(c.Channels) > 0 {
		entry = c.Channels[0]
	}
	named := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	if !named(t.Channels, entry) || !named(t.Accounts, c.Account) || !named(t.Topics, c.Topic) {
		return false
	}
	return len(t.Priorities) == 0 || slices.ContainsFunc(c.Tags, func(tag string) bool {
		priority, ok := strings.CutPrefix(tag, PriorityTag)
		return ok && slices.Contains(t.Priorities, priority)
	})
}

// clockOf is the target's calendar, or else those of the teams, each in its turn.
func (p *Policy) clockOf(t *Target, c *conversation.Conversation) calendar.Clock {
	if t.Calendar != "" {
		return p.Clock(t.Calendar)
	}
	if len(c.Turns) == 0 || len(p.Teams) == 0 {
		return p.Clock(p.Calendar)
	}
	turns := calendar.InTurn{{From: -1 << 62, Clock: p.Clock(p.Calendar)}}
	for _, turn := range c.Turns {
		turns = append(turns, calendar.Turn{From: turn.At, Clock: p.Clock(p.CalendarOf(turn.Team))})
	}
	return turns
}
