package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

// evidence is a decision about two identifiers as the API shows it.
type evidence struct {
	A          typed     `json:"a"`
	B          *typed    `json:"b"`
	Decision   string    `json:"decision"`
	InForce    bool      `json:"in_force"`
	By         string    `json:"by"`
	Rule       string    `json:"rule"`
	Detail     string    `json:"detail"`
	Touchpoint string    `json:"touchpoint"`
	Source     string    `json:"source"`
	User       string    `json:"user"`
	Reason     string    `json:"reason"`
	Time       time.Time `json:"time"`
}

// because is where the evidence comes from.
func (e *evidence) because() string {
	if e.User != "" {
		return e.User + ": " + e.Reason
	}
	return strings.TrimSuffix(e.Touchpoint+" from "+e.Source, " from ")
}

func (e *evidence) print(w *tabwriter.Writer) {
	what, other := e.Decision, ""
	if !e.InForce {
		what += ", not any more"
	}
	if e.B != nil {
		other = e.B.String()
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", local(e.Time), what, e.A, other, e.By, strings.TrimSuffix(e.Rule+": "+e.Detail, ": "), e.because())
}

// move is one as the API shows it.
type move struct {
	Identifier typed     `json:"identifier"`
	From       string    `json:"from"`
	Person     string    `json:"person"`
	Rule       string    `json:"rule"`
	Touchpoint string    `json:"touchpoint"`
	User       string    `json:"user"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at"`
}

func (m *move) print(w *tabwriter.Writer) {
	fmt.Fprintf(w, "%s\t%s\tfrom %s\tto %s\t%s\t%s\n", local(m.At), m.Identifier, m.From, m.Person, m.Rule, cmp.Or(m.Touchpoint, strings.TrimSuffix(m.User+": "+m.Reason, ": ")))
}

type whyCommand struct {
	askFlags
	Who []string `arg:"" help:"A person (id, or type:value), or two identifiers."`
}

func (c *whyCommand) Run(ctx context.Context) error {
	switch len(c.Who) {
	case 1:
		path, err := c.person(ctx, c.Who[0], asOfFlags{})
		if err != nil {
			return err
		}
		return ask(ctx, c.askFlags, http.MethodGet, path+"/why", nil, printWhy)
	case 2:
		q := url.Values{"a": {c.Who[0]}, "b": {c.Who[1]}}
		return ask(ctx, c.askFlags, http.MethodGet, "/v1/people/why?"+q.Encode(), nil, printWhyTwo)
	}
	return fmt.Errorf("want a person or two identifiers, got %d", len(c.Who))
}

type why struct {
	Person      string `json:"person"`
	Identifiers []struct {
		typed
		Joins  int  `json:"joins"`
		Shared bool `json:"shared"`
	} `json:"identifiers"`
	Evidence []evidence `json:"evidence"`
	Moves    []move     `json:"moves"`
}

func printWhy(w *tabwriter.Writer, v *why) {
	fmt.Fprintf(w, "person\t%s\n", v.Person)
	for _, i := range v.Identifiers {
		shared := ""
		if i.Shared {
			shared = "used by several persons"
		}
		fmt.Fprintf(w, "%s\tjoined by %d\t%s\n", i.typed, i.Joins, shared)
	}
	if len(v.Evidence) > 0 {
		fmt.Fprintf(w, "\nEVIDENCE\n")
	}
	for i := range v.Evidence {
		v.Evidence[i].print(w)
	}
	if len(v.Moves) > 0 {
		fmt.Fprintf(w, "\nMOVES\n")
	}
	for i := range v.Moves {
		v.Moves[i].print(w)
	}
}

type whyTwo struct {
	Verdict string     `json:"verdict"`
	Detail  string     `json:"detail"`
	Path    []typed    `json:"path"`
	Chain   []evidence `json:"chain"`
	Moves   []move     `json:"moves"`
	Against []evidence `json:"evidence"`
}

func printWhyTwo(w *tabwriter.Writer, v *whyTwo) {
	fmt.Fprintf(w, "%s: %s\n", v.Verdict, v.Detail)
	for i, n := range v.Path {
		if i == 0 {
			fmt.Fprintln(w, n)
			continue
		}
		if i <= len(v.Chain) {
			e := &v.Chain[i-1]
			fmt.Fprintf(w, "  %s\t%s\t%s\n%s\n", e.Rule, e.because(), local(e.Time), n)
		}
	}
	for i := range v.Moves {
		v.Moves[i].print(w)
	}
	for i := range v.Against {
		v.Against[i].print(w)
	}
}
