package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

type peopleCommands struct {
	Find          findPersonCommand    `cmd:"" help:"Who is known by an identifier."`
	Show          showPersonCommand    `cmd:"" help:"One person."`
	Timeline      timelineCommand      `cmd:"" help:"What happened with a person, newest first."`
	Conversations conversationsCommand `cmd:"" help:"A person's conversations, newest first."`
	Why           whyCommand           `cmd:"" help:"Why a person is one, or why two identifiers are one person or not."`
	Merge         mergeCommand         `cmd:"" help:"Make one person of two."`
	Split         splitCommand         `cmd:"" help:"Part what is not one person."`
}

// asOfFlags ask for what could be seen at a time.
type asOfFlags struct {
	AsOf string `help:"What could be seen at this time, such as 2026-01-31T09:00:00Z."`
}

func (f asOfFlags) query() url.Values {
	q := url.Values{}
	if f.AsOf != "" {
		q.Set("as_of", f.AsOf)
	}
	return q
}

// card is a person as the API shows one.
type card struct {
	ID          string `json:"id"`
	Identifiers []struct {
		typed
		Verified    bool      `json:"verified"`
		LastSeen    time.Time `json:"last_seen"`
		Touchpoints int       `json:"touchpoints"`
	} `json:"identifiers"`
	PreferredChannel  string `json:"preferred_channel"`
	Touchpoints       int    `json:"touchpoints"`
	Conversations     int    `json:"conversations"`
	OpenConversations []struct {
		ID      string    `json:"id"`
		State   string    `json:"state"`
		Channel string    `json:"channel"`
		Last    time.Time `json:"last"`
	} `json:"open_conversations"`
}

func (c *card) print(w *tabwriter.Writer) {
	fmt.Fprintf(w, "person\t%s\ntouchpoints\t%d\nconversations\t%d\nprefers\t%s\n\nIDENTIFIER\tVERIFIED\tTOUCHPOINTS\tLAST SEEN\n", c.ID, c.Touchpoints, c.Conversations, c.PreferredChannel)
	for _, i := range c.Identifiers {
		fmt.Fprintf(w, "%s\t%v\t%d\t%s\n", i.typed, i.Verified, i.Touchpoints, local(i.LastSeen))
	}
	if len(c.OpenConversations) > 0 {
		fmt.Fprintf(w, "\nOPEN\tSTATE\tCHANNEL\tLAST\n")
	}
	for _, o := range c.OpenConversations {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.ID, o.State, o.Channel, local(o.Last))
	}
}

type findPersonCommand struct {
	askFlags
	asOfFlags
	Identifier string `arg:"" help:"type:value, such as email:anna@example.com."`
}

func (c *findPersonCommand) Run(ctx context.Context) error {
	q := c.query()
	q.Set("identifier", c.Identifier)
	return ask(ctx, c.askFlags, http.MethodGet, "/v1/people?"+q.Encode(), nil, func(w *tabwriter.Writer, v *card) { v.print(w) })
}

// person is the path of a person who is named by id or by an identifier.
func (f serverFlags) person(ctx context.Context, who string, as asOfFlags) (string, error) {
	if id, err := hex.DecodeString(who); err == nil && len(id) == 16 {
		return "/v1/people/" + who, nil
	}
	q := as.query()
	q.Set("identifier", who)
	_, found, err := answerOf[card](ctx, f, http.MethodGet, "/v1/people?"+q.Encode(), nil)
	if err != nil {
		return "", err
	}
	return "/v1/people/" + found.ID, nil
}

type showPersonCommand struct {
	askFlags
	asOfFlags
	Person string `arg:"" help:"Id, or type:value."`
}

func (c *showPersonCommand) Run(ctx context.Context) error {
	path, err := c.person(ctx, c.Person, c.asOfFlags)
	if err != nil {
		return err
	}
	return ask(ctx, c.askFlags, http.MethodGet, path+"?"+c.query().Encode(), nil, func(w *tabwriter.Writer, v *card) { v.print(w) })
}

// happened is a touchpoint as the API shows one.
type happened struct {
	ID           string    `json:"id"`
	Time         time.Time `json:"time"`
	Channel      string    `json:"channel"`
	Direction    string    `json:"direction"`
	Kind         string    `json:"kind"`
	Subject      string    `json:"subject"`
	Conversation string    `json:"conversation"`
	Person       string    `json:"person"` // of an account's
}

type timelineCommand struct {
	askFlags
	asOfFlags
	Person  string   `arg:"" help:"Id, or type:value."`
	Channel []string `help:"Only these."`
	Limit   int      `help:"At most this many." default:"50"`
}

func (c *timelineCommand) Run(ctx context.Context) error {
	path, err := c.person(ctx, c.Person, c.asOfFlags)
	if err != nil {
		return err
	}
	q := c.query()
	q["channel"] = c.Channel
	return list(ctx, c.askFlags, path+"/timeline", q, c.Limit, printTouchpoints)
}

type touchpointsPage struct {
	Touchpoints []happened `json:"touchpoints"`
	Next        string     `json:"next"`
}

func printTouchpoints(w *tabwriter.Writer, page *touchpointsPage) (int, string) {
	for _, t := range page.Touchpoints {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", local(t.Time), t.Channel, t.Direction, t.Kind, t.ID, t.Subject, t.Person)
	}
	return len(page.Touchpoints), page.Next
}

// talk is a conversation as the API shows one.
type talk struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Touchpoints int       `json:"touchpoints"`
	Channels    []string  `json:"channels"`
}

func (t *talk) print(w *tabwriter.Writer) {
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d touchpoints\t%s\n", t.ID, t.State, local(t.First), local(t.Last), t.Touchpoints, strings.Join(t.Channels, ", "))
}

type conversationsCommand struct {
	askFlags
	asOfFlags
	Person string `arg:"" help:"Id, or type:value."`
	Limit  int    `help:"At most this many." default:"50"`
}

func (c *conversationsCommand) Run(ctx context.Context) error {
	path, err := c.person(ctx, c.Person, c.asOfFlags)
	if err != nil {
		return err
	}
	type page struct {
		Conversations []talk `json:"conversations"`
		Next          string `json:"next"`
	}
	return list(ctx, c.askFlags, path+"/conversations", c.query(), c.Limit, func(w *tabwriter.Writer, v *page) (int, string) {
		for i := range v.Conversations {
			v.Conversations[i].print(w)
		}
		return len(v.Conversations), v.Next
	})
}

type conversationCommands struct {
	Show     showConversationCommand     `cmd:"" help:"One conversation with its touchpoints."`
	Transfer transferConversationCommand `cmd:"" help:"Offer the customer to go on in another channel: a link, and a code to say."`
	Open     openTransferCommand         `cmd:"" help:"Open what was offered, in the other channel."`
}

type showConversationCommand struct {
	askFlags
	asOfFlags
	ID string `arg:"" help:"Of the conversation."`
}

func (c *showConversationCommand) Run(ctx context.Context) error {
	type detail struct {
		Conversation talk `json:"conversation"`
		touchpointsPage
	}
	return ask(ctx, c.askFlags, http.MethodGet, "/v1/conversations/"+url.PathEscape(c.ID)+"?"+c.query().Encode(), nil, func(w *tabwriter.Writer, v *detail) {
		v.Conversation.print(w)
		fmt.Fprintln(w)
		printTouchpoints(w, &v.touchpointsPage)
	})
}

// correctFlags are those of what a user says about identities.
type correctFlags struct {
	askFlags
	Reason string `required:"" help:"Why; whoever meets it later has to understand it."`
	User   string `help:"Who says it; the key's name when absent."`
}

type mergeCommand struct {
	correctFlags
	A       string `arg:"" help:"type:value, or the id of a person."`
	B       string `arg:"" help:"As well."`
	Preview bool   `help:"Only show what would change."`
}

func (c *mergeCommand) Run(ctx context.Context) error {
	return c.correct(ctx, "/v1/people/merge", map[string]any{"a": c.A, "b": c.B}, c.Preview)
}

type splitCommand struct {
	correctFlags
	Person     string   `arg:"" help:"Id, or type:value."`
	Identifier []string `xor:"what" sep:"none" help:"Who leaves: type:value; repeatable."`
	Edge       []string `xor:"what" help:"Two identifiers whose evidence is taken back: A,B."`
	Preview    bool     `help:"Only show what would change."`
}

func (c *splitCommand) Run(ctx context.Context) error {
	body := map[string]any{"person": c.Person}
	switch {
	case len(c.Identifier) > 0:
		body["identifiers"] = c.Identifier
	case len(c.Edge) == 2:
		body["edge"] = map[string]string{"a": c.Edge[0], "b": c.Edge[1]}
	default:
		return errors.New("say who leaves with --identifier, or with --edge A,B which two do not belong together")
	}
	return c.correct(ctx, "/v1/people/split", body, c.Preview)
}

func (f correctFlags) correct(ctx context.Context, path string, body map[string]any, preview bool) error {
	body["reason"] = f.Reason
	if f.User != "" {
		body["user"] = f.User
	}
	if preview {
		body["preview"] = true
		return ask(ctx, f.askFlags, http.MethodPost, path, body, func(w *tabwriter.Writer, v *foreseen) { v.print(w) })
	}
	return ask(ctx, f.askFlags, http.MethodPost, path, body, func(w *tabwriter.Writer, v *done) { v.print(w) })
}

// someone is a person with what it is known by.
type someone struct {
	ID          string  `json:"id"`
	Identifiers []typed `json:"identifiers"`
}

// done is what came of a user's word.
type done struct {
	Version  uint64     `json:"version"`
	Decision string     `json:"decision"`
	Persons  []someone  `json:"persons"`
	Evidence []evidence `json:"evidence"`
}

func (d *done) print(w *tabwriter.Writer) {
	if d.Decision == "" {
		fmt.Fprintf(w, "It is on the log, as version %d; what comes of it is not stored yet.\n", d.Version)
		return
	}
	fmt.Fprintf(w, "%s, version %d\n", d.Decision, d.Version)
	for _, e := range d.Evidence {
		e.print(w)
	}
	for _, p := range d.Persons {
		fmt.Fprintf(w, "%s\t%s\n", p.ID, some(p.Identifiers, len(p.Identifiers)))
	}
}

// foreseen is what would come of a user's word.
type foreseen struct {
	Refused       *struct{ Rule, Detail string } `json:"refused"`
	Before, After []someone
	Touchpoints   int `json:"touchpoints"`
	Conversations struct {
		Count int `json:"count"`
	} `json:"conversations"`
	Report struct {
		Cells []struct {
			Channel string `json:"channel"`
			People  change `json:"people"`
		} `json:"cells"`
		People change `json:"people"`
	} `json:"report"`
}

type change struct{ Before, After int }

func (f *foreseen) print(w *tabwriter.Writer) {
	if f.Refused != nil {
		fmt.Fprintf(w, "It would be refused: %s: %s\n", f.Refused.Rule, f.Refused.Detail)
		return
	}
	for _, p := range f.Before {
		fmt.Fprintf(w, "now\t%s\t%s\n", p.ID, some(p.Identifiers, len(p.Identifiers)))
	}
	for _, p := range f.After {
		fmt.Fprintf(w, "then\t%s\t%s\n", p.ID, some(p.Identifiers, len(p.Identifiers)))
	}
	fmt.Fprintf(w, "\n%d touchpoints would be somebody else's (conversations: %d).\n", f.Touchpoints, f.Conversations.Count)
	for _, c := range f.Report.Cells {
		fmt.Fprintf(w, "people in %s this month\t%d\tinstead of %d\n", c.Channel, c.People.After, c.People.Before)
	}
	if f.Report.People.Before != f.Report.People.After {
		fmt.Fprintf(w, "people this month\t%d\tinstead of %d\n", f.Report.People.After, f.Report.People.Before)
	}
}
