package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

type transferConversationCommand struct {
	askFlags
	ID        string        `arg:"" help:"Of the conversation."`
	ToChannel string        `required:"" help:"Where it may go on, such as app or whatsapp."`
	ExpiresIn time.Duration `default:"24h" help:"How long the link lives; a minute to seven days."`
	User      string        `help:"Who offers it; absent, the name of the key."`
}

func (c *transferConversationCommand) Run(ctx context.Context) error {
	type given struct {
		Path        string    `json:"path"`
		Code        string    `json:"code"`
		Thread      string    `json:"thread"`
		ExpiresAt   time.Time `json:"expires_at"`
		CodeExpires time.Time `json:"code_expires_at"`
	}
	body := map[string]any{"to_channel": c.ToChannel, "expires_in": int(c.ExpiresIn / time.Second)}
	if c.User != "" {
		body["user"] = c.User
	}
	return ask(ctx, c.askFlags, http.MethodPost, "/v1/conversations/"+url.PathEscape(c.ID)+"/transfer", body, func(w *tabwriter.Writer, v *given) {
		fmt.Fprintf(w, "link\t%s\tuntil %s\ncode\t%s\tuntil %s\nthread\t%s\n", v.Path, local(v.ExpiresAt), v.Code, local(v.CodeExpires), v.Thread)
	})
}

type openTransferCommand struct {
	askFlags
	Token      string   `arg:"" optional:"" help:"Of the link; or --code."`
	Code       string   `help:"That the customer was told."`
	Channel    string   `required:"" help:"In which it is opened."`
	Identifier []string `required:"" placeholder:"TYPE:VALUE" help:"Who the customer is there; you vouch for it. May be repeated."`
	Attempt    string   `help:"Your name for this try: the same again is the same try."`
}

func (c *openTransferCommand) Run(ctx context.Context) error {
	if (c.Token == "") == (c.Code == "") {
		return errors.New("want the token of a link, or --code")
	}
	var identifiers []map[string]string
	for _, text := range c.Identifier {
		typ, value, ok := strings.Cut(text, ":")
		if !ok {
			return fmt.Errorf("%q: want TYPE:VALUE, such as whatsapp:+4915112345", text)
		}
		identifiers = append(identifiers, map[string]string{"type": typ, "value": value})
	}
	body := map[string]any{"channel": c.Channel, "identifiers": identifiers}
	if c.Attempt != "" {
		body["attempt"] = c.Attempt
	}
	path := "/v1/transfers/open"
	if c.Code != "" {
		body["code"] = c.Code
	} else {
		path = "/v1/transfers/" + url.PathEscape(c.Token) + "/open"
	}
	type opened struct {
		Thread       string `json:"thread"`
		Conversation talk   `json:"conversation"`
		touchpointsPage
	}
	return ask(ctx, c.askFlags, http.MethodPost, path, body, func(w *tabwriter.Writer, v *opened) {
		fmt.Fprintf(w, "thread\t%s\n", v.Thread)
		v.Conversation.print(w)
		fmt.Fprintln(w)
		printTouchpoints(w, &v.touchpointsPage)
	})
}
