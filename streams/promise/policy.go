package promise

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/streams/calendar"
)

// ErrBadPolicy is wrapped by the errors of Parse, which name the field.
var ErrBadPolicy = errors.New("bad promises")

// Limits of a policy.
const (
	MaxTargets = 100
	MaxNames   = 100 // of channels, priorities, accounts or topics in a target
	MaxTeams   = 500
	MaxYAML    = 256 << 10
)

// Around is the calendar of those who never close.
const Around = "always"

// Policy is what a workspace promises. It never changes: it is safe for concurrent use.
type Policy struct {
	Calendar string            // of teams that have none of their own; "" around the clock
	Teams    map[string]string // calendars of teams
	Targets  []Target          // the first that applies decides

	calendars map[string]*calendar.Calendar
	yaml      []byte
}

// Target says within which time what is promised, and for whom. An empty list means everybody.
type Target struct {
	Name       string
	Channels   []string // that the customer came in by
	Priorities []string // tags priority:...
	Accounts   []string
	Topics     []string
	Calendar   string // "": the calendars of the teams, each in its turn
	Within     map[Metric]int64
}

type document struct {
	Calendars []calendar.Document `yaml:"calendars"`
	Calendar  string              `yaml:"calendar"`
	Teams     map[string]string   `yaml:"teams"`
	Targets   []documentTarget    `yaml:"targets"`
}

type documentTarget struct {
	Name          string   `yaml:"name,omitempty"`
	Channels      []string `yaml:"channels,omitempty,flow"`
	Priorities    []string `yaml:"priorities,omitempty,flow"`
	Accounts      []string `yaml:"accounts,omitempty,flow"`
	Topics        []string `yaml:"topics,omitempty,flow"`
	Calendar      string   `yaml:"calendar,omitempty"`
	FirstResponse string   `yaml:"first_response,omitempty"`
	NextResponse  string   `yaml:"next_response,omitempty"`
	Resolution    string   `yaml:"resolution,omitempty"`
}

// Parse reads promises from YAML; the error names the field.
func Parse(data []byte) (*Policy, error) {
	if len(data) > MaxYAML {
		return nil, bad("promises", "at most %d bytes", MaxYAML)
	}
	var d document
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadPolicy, err)
	}
	p := &Policy{Calendar: d.Calendar, Teams: d.Teams, yaml: bytes.Clone(data)}
	var err error
	if p.calendars, err = calendar.Compile(d.Calendars); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadPolicy, err)
	}
	if p.calendars[Around] != nil {
		return nil, bad("calendars", "%s is the calendar of those who never close", Around)
	}
	if err := p.known("calendar", d.Calendar); err != nil {
		return nil, err
	}
	if len(d.Teams) > MaxTeams {
		return nil, bad("teams", "at most %d", MaxTeams)
	}
	for _, team := range slices.Sorted(maps.Keys(d.Teams)) {
		if team == "" || len(team) > 256 {
			return nil, bad("teams", "want names of 1 to 256 bytes")
		}
		if err := p.known("teams."+team, d.Teams[team]); err != nil {
			return nil, err
		}
	}
	if len(d.Targets) > MaxTargets {
		return nil, bad("targets", "at most %d", MaxTargets)
	}
	for i, dt := range d.Targets {
		t, err := p.target(fmt.Sprintf("targets[%d]", i), dt)
		if err != nil {
			return nil, err
		}
		p.Targets = append(p.Targets, t)
	}
	return p, nil
}

// CheckChannels refuses targets for channels that there are not, which would promise nobody anything. What was promised before a channel was
// taken away stays in force; so this is asked of new promises alone.
func (p *Policy) CheckChannels(r *registry.Registry) error {
	var names []string
	for _, c := range r.Channels {
		names = append(names, c.Name)
	}
	for i, t := range p.Targets {
		for _, name := range t.Channels {
			if !slices.Contains(names, name) {
				return bad(fmt.Sprintf("targets[%d].channels", i), "there is no channel %q; want any of %s", name, strings.Join(names, ", "))
			}
		}
	}
	return nil
}

func bad(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrBadPolicy, field, fmt.Sprintf(format, args...))
}

func (p *Policy) known(field, name string) error {
	if name == "" || name == Around || p.calendars[name] != nil {
		return nil
	}
	return bad(field, "there is no calendar %q", name)
}

func (p *Policy) target(field string, d documentTarget) (t Target, err error) {
	t = Target{
		Name: d.Name, Channels: d.Channels, Priorities: d.Priorities, Accounts: d.Accounts, Topics: d.Topics, Calendar: d.Calendar,
		Within: map[Metric]int64{},
	}
	for name, list := range map[string][]string{"channels": t.Channels, "priorities": t.Priorities, "accounts": t.Accounts, "topics": t.Topics} {
		if len(list) > MaxNames {
			return t, bad(field+"."+name, "at most %d", MaxNames)
		}
		for _, v := range list {
			if v == "" || len(v) > 256 {
				return t, bad(field+"."+name, "want names of 1 to 256 bytes")
			}
		}
	}
	if err := p.known(field+".calendar", t.Calendar); err != nil {
		return t, err
	}
	for m, text := range map[Metric]string{FirstResponse: d.FirstResponse, NextResponse: d.NextResponse, Resolution: d.Resolution} {
		if text == "" {
			continue
		}
		within, err := time.ParseDuration(text)
		if err != nil || within < time.Second || within > 366*24*time.Hour {
			return t, bad(field+"."+string(m), "%q: want a time from 1s to a year, such as 30m or 8h, of the calendar", text)
		}
		t.Within[m] = within.Milliseconds()
	}
	if len(t.Within) == 0 {
		return t, bad(field, "promises nothing: want first_response, next_response or resolution")
	}
	return t, nil
}

// OfRegistry promises what customers of each channel expect, around the clock: where a workspace has promised nothing yet.
func OfRegistry(r *registry.Registry) *Policy {
	within := map[time.Duration][]string{}
	for _, c := range r.Channels {
		within[c.Respond] = append(within[c.Respond], c.Name)
	}
	var d document
	for _, t := range slices.SortedFunc(maps.Keys(within), cmp.Compare[time.Duration]) {
		d.Targets = append(d.Targets, documentTarget{Channels: within[t], FirstResponse: t.String(), NextResponse: t.String()})
	}
	text, err := yaml.Marshal(struct {
		Targets []documentTarget `yaml:"targets"`
	}{d.Targets})
	if err != nil {
		panic(err) // of strings
	}
	p, err := Parse(text)
	if err != nil {
		panic(err) // a registry whose channels expect an answer within no time, or a year, is refused by its own tests
	}
	return p
}

// YAML is what the policy was read from.
func (p *Policy) YAML() []byte { return p.yaml }

// CalendarOf is the name of the calendar of a team.
func (p *Policy) CalendarOf(team string) string {
	if name, ok := p.Teams[team]; ok {
		return name
	}
	return p.Calendar
}

// Clock is the calendar of that name; "" and always are around the clock.
func (p *Policy) Clock(name string) calendar.Clock {
	if c := p.calendars[name]; c != nil {
		return c
	}
	return calendar.Always
}
