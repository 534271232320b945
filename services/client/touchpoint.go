package client

import "time"

// Touchpoint is one fact, as POST /v1/touchpoints takes it; the API's description says what each field means and how long it may be.
type Touchpoint struct {
	ID          string         `json:"id"`   // empty: one is made
	Time        time.Time      `json:"time"` // zero: now
	Channel     string         `json:"channel"`
	Direction   string         `json:"direction"` // inbound, outbound or internal
	Kind        string         `json:"kind"`
	Actor       Actor          `json:"actor"`
	Identifiers []Identifier   `json:"identifiers,omitempty"`
	Thread      []string       `json:"thread,omitempty"` // scheme:value
	Subject     string         `json:"subject,omitempty"`
	Text        string         `json:"text,omitempty"`
	Language    string         `json:"language,omitempty"`
	Topic       string         `json:"topic,omitempty"`
	Team        string         `json:"team,omitempty"`
	Tags        []string       `json:"tags,omitempty"`
	Account     string         `json:"account,omitempty"`
	Source      string         `json:"source,omitempty"`
	Rating      *Rating        `json:"rating,omitempty"`
	Properties  map[string]any `json:"properties,omitempty"`
}

// Actor is who did it.
type Actor struct {
	Type string `json:"type"` // customer, agent, bot or system
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Identifier points at the customer.
type Identifier struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Verified *bool  `json:"verified,omitempty"` // nil: what the workspace's rules say of the type, channel and source
}

// Rating is a customer's answer on a scale.
type Rating struct {
	Scale string  `json:"scale"`
	Value float64 `json:"value"`
}
