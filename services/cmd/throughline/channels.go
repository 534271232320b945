package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"
)

type channelsCommands struct {
	List  listChannelsCommand `cmd:"" help:"Channels as this workspace has them."`
	Set   setChannelCommand   `cmd:"" help:"Change what is given; the rest stays. It shows in every report, past and present."`
	Reset resetChannelCommand `cmd:"" help:"Take a channel as the installation has it again."`
}

// channel is a channel of the registry as the API answers.
type channel struct {
	Name    string  `json:"name"`
	Label   label   `json:"label"`
	Respond int64   `json:"respond_seconds"`
	Tone    string  `json:"tone"`
	Cost    float64 `json:"cost"`
	Own     bool    `json:"own"`
}

type label struct {
	EN string `json:"en"`
	DE string `json:"de"`
}

func printChannel(w *tabwriter.Writer, c *channel) {
	changed := ""
	if c.Own {
		changed = "changed"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.2f\t%s\n", c.Name, c.Label.EN, c.Label.DE, time.Duration(c.Respond)*time.Second, c.Tone, c.Cost, changed)
}

type registryAnswer struct {
	Channels []channel `json:"channels"`
}

type listChannelsCommand struct{ askFlags }

func (c *listChannelsCommand) Run(ctx context.Context) error {
	return ask(ctx, c.askFlags, http.MethodGet, "/v1/registry", nil, func(w *tabwriter.Writer, r *registryAnswer) {
		fmt.Fprintln(w, "CHANNEL\tEN\tDE\tANSWER WITHIN\tTONE\tCOST")
		for i := range r.Channels {
			printChannel(w, &r.Channels[i])
		}
	})
}

type setChannelCommand struct {
	askFlags
	Channel string         `arg:"" help:"As the registry names it."`
	EN      string         `name:"en" help:"What it is called in English."`
	DE      string         `name:"de" help:"What it is called in German."`
	Respond *time.Duration `help:"Within which customers expect an answer, such as 4h."`
	Tone    string         `help:"formal, friendly or casual."`
	Cost    *float64       `help:"Of one contact, in euro."`
}

func (c *setChannelCommand) Run(ctx context.Context) error {
	_, now, err := answerOf[registryAnswer](ctx, c.serverFlags, http.MethodGet, "/v1/registry", nil)
	if err != nil {
		return err
	}
	for _, is := range now.Channels {
		if is.Name == c.Channel {
			return ask(ctx, c.askFlags, http.MethodPut, channelPath(c.Channel), c.change(is), printChannel)
		}
	}
	return fmt.Errorf("the registry has no channel %q", c.Channel)
}

// change is what the channel is to be: what is given, and else what it is.
func (c *setChannelCommand) change(is channel) map[string]any {
	if c.EN != "" {
		is.Label.EN = c.EN
	}
	if c.DE != "" {
		is.Label.DE = c.DE
	}
	if c.Respond != nil {
		is.Respond = int64(c.Respond.Seconds())
	}
	if c.Tone != "" {
		is.Tone = c.Tone
	}
	if c.Cost != nil {
		is.Cost = *c.Cost
	}
	return map[string]any{"label": is.Label, "respond_seconds": is.Respond, "tone": is.Tone, "cost": is.Cost}
}

type resetChannelCommand struct {
	askFlags
	Channel string `arg:"" help:"As the registry names it."`
}

func (c *resetChannelCommand) Run(ctx context.Context) error {
	return ask(ctx, c.askFlags, http.MethodDelete, channelPath(c.Channel), nil, printChannel)
}

func channelPath(name string) string { return "/v1/registry/channels/" + url.PathEscape(name) }
