package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const rehearsalsPath = "/v1/identity/rehearsals"

type rehearseCommand struct {
	serverFlags
	Rules string `required:"" type:"existingfile" help:"The new identity.yaml."`
	Since string `help:"Only persons count who had a touchpoint since this time, such as 2026-10-01T00:00:00Z."`
	User  string `help:"Who asks; the key's name when absent."`
	JSON  bool   `name:"json" help:"Print what the API answers."`
}

// rehearsed is a rehearsal as the API shows it.
type rehearsed struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Error    string `json:"error"`
	Progress struct {
		Step        string `json:"step"`
		Done, Total int64
	} `json:"progress"`
	Difference struct {
		Links           int64 `json:"links"`
		PersonsBefore   int   `json:"persons_before"`
		PersonsAfter    int   `json:"persons_after"`
		Joined          int   `json:"joined"`
		Parted          int   `json:"parted"`
		Moved           int   `json:"moved"`
		Refused         int   `json:"refused"`
		NoLongerRefused int   `json:"no_longer_refused"`
		SharedCount     int   `json:"shared_count"`
		NoLongerShared  int   `json:"no_longer_shared"`
		Shared          []typed
		Month           string `json:"month"`
		Report          []struct {
			Channel      string `json:"channel"`
			Touchpoints  int    `json:"touchpoints"`
			Moved        int    `json:"moved"`
			PeopleBefore int    `json:"people_before"`
			PeopleAfter  int    `json:"people_after"`
		}
		Examples []struct {
			Touchpoints   int `json:"touchpoints"`
			Before, After []struct {
				ID          string `json:"id"`
				Size        int    `json:"size"`
				Identifiers []typed
			}
			Evidence []struct {
				A, B                   typed
				Before, After          string
				Rule, Detail           string
				Touchpoint, User, Time string
			}
		}
	} `json:"difference"`
}

// typed is an identifier.
type typed struct{ Type, Value string }

func (t typed) String() string { return t.Type + ":" + t.Value }

// pollEvery is how often the progress is asked for.
const pollEvery = 500 * time.Millisecond

func (c *rehearseCommand) Run(ctx context.Context) error {
	text, err := os.ReadFile(c.Rules)
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Rules string `json:"rules"`
		Since string `json:"since,omitempty"`
		User  string `json:"user,omitempty"`
	}{string(text), c.Since, c.User})
	if err != nil {
		return err
	}
	var r rehearsed
	if err := c.call(ctx, http.MethodPost, rehearsalsPath, body, &r); err != nil {
		return err
	}
	var answer json.RawMessage
	for last := ""; ; {
		if err := c.call(ctx, http.MethodGet, rehearsalsPath+"/"+r.ID, nil, &answer); err != nil {
			return err
		}
		r = rehearsed{}
		if err := json.Unmarshal(answer, &r); err != nil {
			return err
		}
		if r.Status != "running" {
			break
		}
		if now := fmt.Sprintf("%s: %d of %d", r.Progress.Step, r.Progress.Done, r.Progress.Total); now != last {
			fmt.Fprintln(os.Stderr, now)
			last = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("rehearsal %s goes on without us: %w", r.ID, ctx.Err())
		case <-time.After(pollEvery):
		}
	}
	if r.Status == "failed" {
		return errors.New(r.Error)
	}
	if c.JSON {
		_, err := os.Stdout.Write(append(answer, '\n'))
		return err
	}
	return r.print(os.Stdout)
}

// print writes what the rules would change, for people.
func (r *rehearsed) print(out io.Writer) error {
	d := &r.Difference
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Rehearsal %s: %d links decided anew.\n\n", r.ID, d.Links)
	fmt.Fprintf(w, "persons\t%d\tinstead of %d\n", d.PersonsAfter, d.PersonsBefore)
	fmt.Fprintf(w, "joined\t%d\tpersons become one with others\n", d.Joined)
	fmt.Fprintf(w, "parted\t%d\tpersons fall into several\n", d.Parted)
	fmt.Fprintf(w, "moved\t%d\tidentifiers belong to somebody else\n", d.Moved)
	fmt.Fprintf(w, "refused\t%d\tpairs of identifiers that are not refused now\n", d.Refused)
	fmt.Fprintf(w, "no longer refused\t%d\t\n", d.NoLongerRefused)
	fmt.Fprintf(w, "shared\t%d\tvalues that are not found to be shared now\n", d.SharedCount)
	fmt.Fprintf(w, "no longer shared\t%d\t\n", d.NoLongerShared)
	if len(d.Report) > 0 {
		fmt.Fprintf(w, "\nTouchpoints of %s:\n\nCHANNEL\tTOUCHPOINTS\tSOMEBODY ELSE'S\tPEOPLE NOW\tPEOPLE THEN\n", d.Month)
		for _, c := range d.Report {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", c.Channel, c.Touchpoints, c.Moved, c.PeopleBefore, c.PeopleAfter)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, e := range d.Examples {
		fmt.Fprintf(out, "\n%d. %d touchpoints would be somebody else's\n", i+1, e.Touchpoints)
		for _, p := range e.Before {
			fmt.Fprintf(out, "   now   %s\n", some(p.Identifiers, p.Size))
		}
		for _, p := range e.After {
			fmt.Fprintf(out, "   then  %s\n", some(p.Identifiers, p.Size))
		}
		for _, v := range e.Evidence {
			why := strings.Join(given(v.Rule, v.Detail, v.User, v.Touchpoint), ", ")
			fmt.Fprintf(out, "   %s and %s: %s instead of %s (%s, %s)\n", v.A, v.B, strings.ReplaceAll(v.After, "_", " "), strings.ReplaceAll(v.Before, "_", " "), why, v.Time)
		}
	}
	fmt.Fprintf(out, "\nthroughline identity promote %s --reason ... puts them in force; discard forgets.\n", r.ID)
	return nil
}

// some lists identifiers, and says how many more there are.
func some(of []typed, size int) string {
	var names []string
	for _, t := range of {
		names = append(names, t.String())
	}
	if more := size - len(of); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// given are the texts that say something.
func given(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

type promoteCommand struct {
	serverFlags
	ID     string `arg:"" help:"Of the rehearsal."`
	Reason string `required:"" help:"Why; whoever meets it later has to understand it."`
	User   string `help:"Who says it; the key's name when absent."`
}

func (c *promoteCommand) Run(ctx context.Context) error {
	body, err := json.Marshal(map[string]string{"action": "promote", "reason": c.Reason, "user": c.User})
	if err != nil {
		return err
	}
	var came struct {
		Version  uint64 `json:"version"`
		Decision string `json:"decision"`
	}
	if err := c.call(ctx, http.MethodPost, rehearsalsPath+"/"+url.PathEscape(c.ID), body, &came); err != nil {
		return err
	}
	if came.Decision == "" {
		fmt.Printf("The rules are on the log as version %d; everything is being decided again by them.\n", came.Version)
		return nil
	}
	fmt.Printf("The rules are in force as of version %d.\n", came.Version)
	return nil
}

type discardCommand struct {
	serverFlags
	ID string `arg:"" help:"Of the rehearsal."`
}

func (c *discardCommand) Run(ctx context.Context) error {
	if err := c.call(ctx, http.MethodPost, rehearsalsPath+"/"+url.PathEscape(c.ID), []byte(`{"action":"discard"}`), nil); err != nil {
		return err
	}
	fmt.Println("Forgotten.")
	return nil
}
