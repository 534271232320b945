// Package registry is the data that says what channels, kinds and thread schemes mean. A new channel, kind or scheme
// is a new entry in a YAML file, not code.
package registry

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
)

// Text is a label in the languages of the product.
type Text struct {
	EN string `yaml:"en" json:"en"`
	DE string `yaml:"de" json:"de"`
}

// In is the label in a language, "de" or any other for English.
func (t Text) In(language string) string {
	if language == "de" {
		return t.DE
	}
	return t.EN
}

// Channel is a way between company and customer.
type Channel struct {
	Name        string        `yaml:"name" json:"name"`
	Label       Text          `yaml:"label" json:"label"`
	Synchronous bool          `yaml:"synchronous" json:"synchronous"` // both sides are there at the same time
	Respond     time.Duration `yaml:"respond" json:"-"`               // within which customers expect an answer
	Tone        string        `yaml:"tone" json:"tone"`               // formal, friendly or casual
	Cost        float64       `yaml:"cost" json:"cost"`               // of one contact, in euro
	Own         bool          `yaml:"-" json:"own,omitempty"`         // a workspace has Settings of its own for it
}

// MarshalJSON writes the channel for clients, with the time in seconds.
func (c Channel) MarshalJSON() ([]byte, error) {
	type plain Channel
	return json.Marshal(struct {
		plain
		Respond float64 `json:"respond_seconds"`
	}{plain(c), c.Respond.Seconds()})
}

// Effect is what a kind means to conversations.
type Effect string

// The effects.
const (
	None     Effect = "none"      // stored and counted, nothing more; it joins a conversation only by an explicit thread
	Message  Effect = "message"   // somebody said something: a customer then waits, a human's or bot's answer ends the wait
	Activity Effect = "activity"  // belongs to the conversation, asks and answers nothing
	Started  Effect = "started"   // of a call: the customer got in touch and is being answered
	Ended    Effect = "ended"     // of a call
	Missed   Effect = "missed"    // a call that nobody took: a customer then waits, and when nobody took ours, nothing is answered
	Awaiting Effect = "awaiting"  // the ball is with the customer
	Resolve  Effect = "resolve"   // the matter is settled
	Close    Effect = "close"     // nothing may follow; a later touchpoint of the thread reopens it all the same
	Reopen   Effect = "reopen"    // the matter is not settled after all
	HandOver Effect = "hand_over" // to another team or agent: one that it names, or that is seen by what follows
	Survey   Effect = "survey"    // the customer is asked to judge
	Rated    Effect = "rated"     // the customer judged
)

// Kind is what happened.
type Kind struct {
	Name   string `yaml:"name" json:"name"`
	Label  Text   `yaml:"label" json:"label"`
	Effect Effect `yaml:"effect" json:"effect"`
}

// Scheme is a kind of thread. Strength orders them: the strongest thread anchors an anonymous touchpoint.
type Scheme struct {
	Name  string `yaml:"name" json:"name"`
	Label Text   `yaml:"label" json:"label"`
	Apart bool   `yaml:"apart" json:"apart"` // two of them are two conversations; else they only tie together

	// Replies is the source whose touchpoints name, of this scheme, first themselves and then what they reply to, the
	// nearest first, as the Message-ID and References of a mail do (RFC 5322, 3.6.4). "" for none.
	Replies string `yaml:"replies" json:"-"`
}

// Registry is the three tables.
type Registry struct {
	Channels []Channel `yaml:"channels" json:"channels"`
	Kinds    []Kind    `yaml:"kinds" json:"kinds"`
	Schemes  []Scheme  `yaml:"schemes" json:"schemes"` // strongest first

	channels map[string]int
	kinds    map[string]int
	schemes  map[string]int
}

//go:embed registry.yaml
var defaultYAML []byte

// Default returns the registry that ships with the product.
func Default() *Registry {
	r, err := Parse(defaultYAML)
	if err != nil {
		panic(err) // the file is compiled in and tested
	}
	return r
}

// Parse reads a registry from YAML; the error names line and field.
func Parse(data []byte) (*Registry, error) {
	var r Registry
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&r); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	r.channels, r.kinds, r.schemes = map[string]int{}, map[string]int{}, map[string]int{}
	for i, c := range r.Channels {
		if _, twice := r.channels[c.Name]; twice || c.Name == "" {
			return nil, fmt.Errorf("registry: channels[%d].name: %q is empty or there twice", i, c.Name)
		}
		r.channels[c.Name] = i
	}
	for i, k := range r.Kinds {
		if _, twice := r.kinds[k.Name]; twice || k.Name == "" {
			return nil, fmt.Errorf("registry: kinds[%d].name: %q is empty or there twice", i, k.Name)
		}
		if !k.Effect.known() {
			return nil, fmt.Errorf("registry: kinds[%d].effect: %q is not an effect", i, k.Effect)
		}
		r.kinds[k.Name] = i
	}
	for i, s := range r.Schemes {
		if _, twice := r.schemes[s.Name]; twice || s.Name == "" {
			return nil, fmt.Errorf("registry: schemes[%d].name: %q is empty or there twice", i, s.Name)
		}
		if s.Replies != "" && !s.Apart {
			return nil, fmt.Errorf("registry: schemes[%d].replies: only threads that keep apart can be replied to: set apart", i)
		}
		r.schemes[s.Name] = i
	}
	return &r, nil
}

// Channel returns the channel's entry and whether there is one.
func (r *Registry) Channel(name string) (Channel, bool) {
	i, ok := r.channels[name]
	if !ok {
		return Channel{}, false
	}
	return r.Channels[i], true
}

// EffectOf returns what the kind means to conversations: None for one that is not registered.
func (r *Registry) EffectOf(kind string) Effect {
	if i, ok := r.kinds[kind]; ok {
		return r.Kinds[i].Effect
	}
	return None
}

// Scheme returns the entry of a thread scheme; one that is not registered keeps apart, because a provider that names
// a thread means it, and ranks behind all others.
func (r *Registry) Scheme(name string) (s Scheme, rank int) {
	if i, ok := r.schemes[name]; ok {
		return r.Schemes[i], i
	}
	return Scheme{Name: name, Label: Text{EN: name, DE: name}, Apart: true}, len(r.Schemes)
}

func (e Effect) known() bool {
	switch e {
	case None, Message, Activity, Started, Ended, Missed, Awaiting, Resolve, Close, Reopen, HandOver, Survey, Rated:
		return true
	}
	return false
}
