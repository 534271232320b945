package simulate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// line is a touchpoint as it is sent.
type line struct {
	ID          string         `json:"id"`
	Time        int64          `json:"time"`
	Channel     string         `json:"channel"`
	Direction   string         `json:"direction"`
	Kind        string         `json:"kind"`
	Actor       actor          `json:"actor"`
	Identifiers []identifier   `json:"identifiers,omitempty"`
	Thread      []string       `json:"thread,omitempty"`
	Subject     string         `json:"subject,omitempty"`
	Text        string         `json:"text,omitempty"`
	Language    string         `json:"language"`
	Topic       string         `json:"topic"`
	Team        string         `json:"team,omitempty"`
	Source      string         `json:"source"`
	Rating      *rating        `json:"rating,omitempty"`
	Properties  map[string]any `json:"properties,omitempty"`
}

type actor struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type identifier struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Verified *bool  `json:"verified,omitempty"` // absent: what the rules say of the channel
}

type rating struct {
	Scale string `json:"scale"`
	Value int    `json:"value"`
}

// sources are the systems that the channels' touchpoints come from; the desk for the others.
var sources = map[string]string{
	"email": "mailbox", "letter": "mailbox", "phone": "telephony", "chat": "webchat", "help_centre": "webchat", "web": "shop", "app": "shop",
	"store": "till", "sms": "messaging", "whatsapp": "messaging", "instagram": "messaging", "survey": "surveys", "forum": "forum", "voice_assistant": "voice",
}

// toCustomer are the kinds by which the company speaks to the customer; its other kinds are internal.
var toCustomer = map[string]bool{
	"message": true, "call.started": true, "call.ended": true, "survey.requested": true, "offer.made": true, "pickup.ready": true,
	"order.shipped": true, "order.delivered": true, "order.cancelled": true, "email.delivered": true, "post.published": true, "transfer.offered": true,
}

// stars are 1 to 5 in the shares in which they are given.
var stars = map[string][]int{"happy": {5, 5, 5, 5, 4, 4, 4, 3, 2, 1}, "unhappy": {5, 4, 4, 3, 3, 2, 2, 1, 1, 1}}

// touch makes the touchpoint of step n.
func (t *telling) touch(at time.Time, n int, s *step, channel, teamName string) touch {
	who := t.who
	if s.From == "other" {
		who = t.other
	}
	l := line{
		ID: fmt.Sprintf("sim-%s-%d", t.key, n), Time: at.UnixMilli(), Channel: channel, Kind: s.Kind, Direction: "internal",
		Thread: t.threads(s, n), Language: who.Language, Topic: t.story.Topic, Source: sources[channel],
	}
	if l.Kind == "" {
		l.Kind = "message"
	}
	if l.Source == "" {
		l.Source = "desk"
	}
	agentID, agentName := "", ""
	switch s.From {
	case "customer", "other":
		l.Direction, l.Actor.Type = "inbound", "customer"
		if len(s.IDs) > 0 {
			l.Actor = actor{"customer", who.ids["customer_id"], who.Name}
		}
	case "agent":
		agentID, agentName = t.agent(teamName)
		l.Actor, l.Team = actor{"agent", agentID, agentName}, teamName
	case "bot":
		l.Actor = actor{"bot", "ada", "Ada"}
	default:
		l.Actor = actor{"system", l.Source, ""}
	}
	if l.Direction != "inbound" && toCustomer[l.Kind] {
		l.Direction = "outbound"
	}
	switch l.Kind { // a call goes one way from beginning to end
	case "call.started":
		t.call = l.Direction
	case "call.ended":
		l.Direction = t.call
		l.Properties = map[string]any{"duration_s": 45 + t.r.IntN(900)}
	case "page.viewed", "article.viewed":
		l.Properties = map[string]any{"url": "https://shop.example/" + strings.ReplaceAll(t.story.Topic, " ", "-")}
	case "order.placed":
		l.Properties = map[string]any{"product": t.scene.product, "amount": t.scene.amount, "store": t.scene.store}
	case "pickup.ready", "pickup.collected":
		l.Properties = map[string]any{"store": t.scene.store}
	}
	for _, typ := range s.IDs {
		l.Identifiers = append(l.Identifiers, identifier{Type: typ, Value: who.ids[typ]})
	}
	claimed := false
	for _, typ := range s.Claims {
		l.Identifiers = append(l.Identifiers, identifier{Type: typ, Value: who.ids[typ], Verified: &claimed})
	}
	if s.Rating != "" {
		l.Rating = &rating{"csat", pick(t.r, stars[s.Rating])}
	}
	l.Subject = t.say(s.Subject, who, agentName)
	if t.lastMail != "" && len(l.Thread) > 1 && l.Subject != "" && l.Thread[0] == t.lastMail {
		l.Subject = "Re: " + l.Subject
	}
	l.Text = t.say(s.Say, who, agentName)
	b, err := json.Marshal(l)
	if err != nil {
		panic(fmt.Sprintf("simulate: %v", err)) // texts and numbers always have a JSON form
	}
	return touch{l.Time, b}
}

// say draws a phrase in the customer's language.
func (t *telling) say(phrase string, who *customer, agent string) string {
	if phrase == "" {
		return ""
	}
	text := pick(t.r, t.c.phrases[phrase][who.Language])
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		var place string
		place, text, _ = strings.Cut(rest, "}")
		b.WriteString(t.fill(place, who, agent))
	}
}

// fill is what stands for a place in a phrase.
func (t *telling) fill(place string, who *customer, agent string) string {
	switch place {
	case "name":
		return who.Name
	case "agent":
		return agent
	case "product":
		return t.scene.product
	case "order":
		return t.scene.order
	case "ticket":
		return t.scene.ticket
	case "store":
		return t.scene.store
	case "amount":
		return t.scene.amount
	case "serial":
		return t.scene.serial
	}
	panic("simulate: no place {" + place + "} in phrases") // the tables are compiled in and tested
}
