package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/throughline/throughline/services/simulate"
)

type simulateCommand struct {
	serverFlags
	Customers int     `help:"Customers of the company." default:"2000"`
	Days      int     `help:"Days of history." default:"30"`
	Rate      float64 `help:"Live touchpoints a second after the history; 0 stops there." default:"2"`
	Seed      uint64  `help:"Another seed is another company." default:"1"`
	State     string  `help:"File that remembers what was sent, so that a second run goes on; belongs beside the server's data."`
}

func (c *simulateCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := simulate.DefaultConfig()
	config.Client.URL, config.Client.Key = c.URL, c.Key
	config.Customers, config.Days, config.Rate, config.Seed, config.StateFile = c.Customers, c.Days, c.Rate, c.Seed, c.State
	config.Progress, config.Logger = os.Stderr, log
	config.Loaded = func(l simulate.Loaded) { c.look(l) }
	return simulate.Run(ctx, config)
}

// look prints what to look at.
func (c *simulateCommand) look(l simulate.Loaded) {
	fmt.Printf("\n%d touchpoints sent, %s to %s.\n", l.Sent, l.From.Format("2 January"), l.To.Format("2 January 2006"))
	if l.Resumed {
		fmt.Println("The history was there already; this run went on where the last one stopped.")
	}
	auth := fmt.Sprintf("curl -sS -H 'Authorization: Bearer %s'", c.Key)
	for _, s := range l.Look {
		fmt.Printf("\n%s (%s, %s):\n  %s '%s/v1/people?identifier=email:%s'\n", s.Name, s.CustomerID, s.Phone, auth, c.URL, s.Email)
	}
	fmt.Printf(`
What a manager asks:
  %[1]s '%[2]s/v1/reports/touchpoints?by=channel,direction'
  %[1]s '%[2]s/v1/reports/conversations?by=channel'
  %[1]s '%[2]s/v1/conversations?sort=waiting&limit=5'
  %[1]s '%[2]s/v1/status'

`, auth, c.URL)
	if c.Rate > 0 {
		fmt.Printf("Live traffic goes on, %g touchpoints a second. Ctrl-C stops it.\n", c.Rate)
	}
}
