package simulate

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// story is a row of stories.yaml.
type story struct {
	Name   string
	Weight int
	Topic  string
	Team   string
	Open   bool
	Steps  []step
}

type step struct {
	After   time.Duration
	Channel string
	Team    string
	From    string
	Kind    string
	Say     string
	Subject string
	IDs     []string
	Claims  []string
	Thread  []string
	Rating  string
	Chance  float64
}

// pace is how fast a story is told.
type pace int

const (
	natural pace = iota // days, nights and office hours
	brisk               // a story in minutes, for watching
)

// brisk waits: a thirtieth of the natural ones, within these.
const (
	briskest = time.Second
	slowest  = 90 * time.Second
	briskBy  = 30
)

// A told story ends within these, so whoever looks for touchpoints of a time need not look for older stories.
const (
	longestNatural = 28 * 24 * time.Hour
	longestBrisk   = 20 * time.Minute
)

// touch is a touchpoint that is to be sent.
type touch struct {
	time int64 // ms since 1970
	line []byte
}

// telling is one story as it happens to one customer.
type telling struct {
	c        *company
	r        *rand.Rand
	key      string // in all ids of the story
	story    *story
	pace     pace
	who      *customer
	other    *customer
	agents   map[string]string // by team
	scene    scene
	lastMail string
	call     string // direction of the call that goes on
}

// scene is what the story is about.
type scene struct {
	order, ticket, ticket2, session, call, product, store, amount, serial string
}

// tell returns the story's touchpoints in their order.
func (c *company) tell(key uint64, start time.Time, r *rand.Rand, customer int, p pace) []touch {
	t := &telling{c: c, r: r, key: string(appendHex(nil, key, 16)), pace: p, agents: map[string]string{}}
	t.who = &c.customers[customer]
	t.other = &c.customers[(customer+1+r.IntN(len(c.customers)))%len(c.customers)]
	n := r.IntN(c.weights)
	for i := range c.stories {
		if n -= c.stories[i].Weight; n < 0 {
			t.story = &c.stories[i]
			break
		}
	}
	number := func(x uint64) string { // 13 digits or letters: two stories never share one
		return "00000000"[:max(0, 13-len(strconv.FormatUint(x, 36)))] + strconv.FormatUint(x, 36)
	}
	t.scene = scene{
		order: "O-" + number(mix(key^1)), ticket: "T-" + number(mix(key^2)), ticket2: "T-" + number(mix(key^3)),
		session: "s-" + t.key, call: "call-" + t.key, product: pick(r, c.Products), store: pick(r, c.Stores),
		amount: strconv.Itoa(9+r.IntN(490)) + ".90 EUR", serial: "SN" + number(mix(key ^ 4))[:9],
	}
	return t.play(start)
}

func (t *telling) play(at time.Time) (out []touch) {
	teamName, channel := t.story.Team, ""
	if t.story.Open && t.pace == natural {
		at = t.c.team(teamName).open(t.r, at, t.c.zone)
	}
	end := at.Add(longestNatural)
	if t.pace == brisk {
		end = at.Add(longestBrisk)
	}
	for i := range t.story.Steps {
		s := &t.story.Steps[i]
		if s.Channel != "" {
			channel = s.Channel
		}
		if s.Team != "" {
			teamName = s.Team
		}
		if s.Chance > 0 && t.r.Float64() >= s.Chance {
			continue
		}
		at = t.wait(at, s, channel, teamName)
		if at.After(end) {
			return out
		}
		out = append(out, t.touch(at, i, s, channel, teamName))
	}
	return out
}

// wait lets pass what passes before the step.
func (t *telling) wait(at time.Time, s *step, channel, teamName string) time.Time {
	if s.After == 0 {
		return at
	}
	w := spread(t.r, s.After)
	if t.pace == brisk {
		return at.Add(min(max(w/briskBy, briskest), slowest))
	}
	at = at.Add(w)
	if s.After < 30*time.Minute {
		return at // both sides are there
	}
	switch s.From {
	case "customer", "other":
		if channel == "store" {
			return t.c.team(teamName).open(t.r, at, t.c.zone)
		}
		return awake(t.r, at, t.who.zone)
	case "agent":
		return t.c.team(teamName).open(t.r, at, t.c.zone)
	}
	return at
}

// threads are the step's threads with their values; a mail also names the mail before.
func (t *telling) threads(s *step, n int) (out []string) {
	for _, name := range s.Thread {
		switch name {
		case "mail":
			own := "message-id:<" + t.key + "." + strconv.Itoa(n) + "@mail.example>"
			out = append(out, own)
			if t.lastMail != "" {
				out = append(out, t.lastMail)
			}
			t.lastMail = own
		case "ticket":
			out = append(out, "ticket:"+t.scene.ticket)
		case "ticket2":
			out = append(out, "ticket:"+t.scene.ticket2)
		case "order":
			out = append(out, "order:"+t.scene.order)
		case "call":
			out = append(out, "call:"+t.scene.call)
		case "session":
			out = append(out, "session:"+t.scene.session)
		}
	}
	return out
}

// agent is who of the team looks after the story, the same all the time.
func (t *telling) agent(teamName string) (id, name string) {
	team := t.c.team(teamName)
	name, ok := t.agents[teamName]
	if !ok {
		name = pick(t.r, team.Agents)
		t.agents[teamName] = name
	}
	return teamName + "-" + strconv.Itoa(slices.Index(team.Agents, name)+1), name
}
