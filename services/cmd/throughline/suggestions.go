package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"
)

const suggestionsPath = "/v1/identity/suggestions"

// listFlags are those of a list.
type listFlags struct {
	askFlags
	Limit int `help:"At most this many." default:"50"`
}

type suggestionsCommand struct{ listFlags }

func (c *suggestionsCommand) Run(ctx context.Context) error {
	type page struct {
		Suggestions []struct {
			ID                string `json:"id"`
			Claimant, Claimed typed
			Strength          float64 `json:"strength"`
			Touchpoints       int     `json:"touchpoints"`
			Days              int     `json:"days"`
			Others            int     `json:"others"`
			Last              struct {
				Touchpoint string
				Time       time.Time
			}
		} `json:"suggestions"`
		Next string `json:"next"`
	}
	return list(ctx, c.askFlags, suggestionsPath, url.Values{}, c.Limit, func(w *tabwriter.Writer, v *page) (int, string) {
		for _, s := range v.Suggestions {
			fmt.Fprintf(w, "%s\t%.3f\t%s\tclaims %s\t%d touchpoints on %d days\t%d others\tlast %s %s\n",
				s.ID, s.Strength, s.Claimant, s.Claimed, s.Touchpoints, s.Days, s.Others, s.Last.Touchpoint, local(s.Last.Time))
		}
		return len(v.Suggestions), v.Next
	})
}

type decideCommand struct {
	correctFlags
	ID string `arg:"" help:"Of the suggestion."`
}

func (c *decideCommand) decide(ctx context.Context, action string) error {
	body := map[string]string{"action": action, "reason": c.Reason}
	if c.User != "" {
		body["user"] = c.User
	}
	return ask(ctx, c.askFlags, http.MethodPost, suggestionsPath+"/"+url.PathEscape(c.ID), body, func(w *tabwriter.Writer, v *done) { v.print(w) })
}

type acceptCommand struct{ decideCommand }

func (c *acceptCommand) Run(ctx context.Context) error { return c.decide(ctx, "accept") }

type refuseCommand struct{ decideCommand }

func (c *refuseCommand) Run(ctx context.Context) error { return c.decide(ctx, "refuse") }

type refusalsCommand struct{ listFlags }

func (c *refusalsCommand) Run(ctx context.Context) error {
	type page struct {
		Refusals []evidence `json:"refusals"`
		Next     string     `json:"next"`
	}
	return list(ctx, c.askFlags, "/v1/identity/refusals", url.Values{}, c.Limit, func(w *tabwriter.Writer, v *page) (int, string) {
		for i := range v.Refusals {
			v.Refusals[i].print(w)
		}
		return len(v.Refusals), v.Next
	})
}

type sharedCommand struct{ listFlags }

func (c *sharedCommand) Run(ctx context.Context) error {
	type page struct {
		Shared []struct {
			evidence
			Identifiers int `json:"identifiers"`
			Undone      int `json:"undone"`
		} `json:"shared"`
		Next string `json:"next"`
	}
	return list(ctx, c.askFlags, "/v1/identity/shared", url.Values{}, c.Limit, func(w *tabwriter.Writer, v *page) (int, string) {
		for _, s := range v.Shared {
			fmt.Fprintf(w, "%s\t%s\twith %d identifiers\t%d joins undone\t%s\t%s\n", local(s.Time), s.A, s.Identifiers, s.Undone, s.Rule, s.because())
		}
		return len(v.Shared), v.Next
	})
}
