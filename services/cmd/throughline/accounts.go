package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"
)

type accountsCommands struct {
	Show     showAccountCommand     `cmd:"" help:"An account with its contacts, managers and contracts."`
	Timeline accountTimelineCommand `cmd:"" help:"What happened with an account, newest first."`
}

type showAccountCommand struct {
	listFlags
	Account string `arg:"" help:"As touchpoints name it."`
}

func (c *showAccountCommand) Run(ctx context.Context) error {
	type account struct {
		Account   string          `json:"account"`
		Name      string          `json:"name"`
		Managers  json.RawMessage `json:"managers"`
		Contracts json.RawMessage `json:"contracts"`
		Contacts  []struct {
			Person      string    `json:"person"`
			Identifier  typed     `json:"identifier"`
			LastSeen    time.Time `json:"last_seen"`
			Touchpoints int       `json:"touchpoints"`
		} `json:"contacts"`
		Next string `json:"next"`
	}
	first := true
	return list(ctx, c.askFlags, "/v1/accounts/"+url.PathEscape(c.Account), url.Values{}, c.Limit, func(w *tabwriter.Writer, v *account) (int, string) {
		if first {
			fmt.Fprintf(w, "account\t%s\nname\t%s\nmanagers\t%s\ncontracts\t%s\n\nCONTACT\tKNOWN BY\tTOUCHPOINTS\tLAST SEEN\n", v.Account, v.Name, v.Managers, v.Contracts)
			first = false
		}
		for _, p := range v.Contacts {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", p.Person, p.Identifier, p.Touchpoints, local(p.LastSeen))
		}
		return len(v.Contacts), v.Next
	})
}

type accountTimelineCommand struct {
	listFlags
	Account string   `arg:"" help:"As touchpoints name it."`
	Channel []string `help:"Only these."`
}

func (c *accountTimelineCommand) Run(ctx context.Context) error {
	return list(ctx, c.askFlags, "/v1/accounts/"+url.PathEscape(c.Account)+"/timeline", url.Values{"channel": c.Channel}, c.Limit, printTouchpoints)
}
