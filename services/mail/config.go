// Package mail takes mail by SMTP and LMTP and posts it as touchpoints.
//
//	mail server -> SMTP, LMTP -> session -> streams/mail -> client -> POST /v1/touchpoints
//	            <- 250 once the log has it, 4xx while it has not
//
// It relays nothing: a recipient is of a workspace by mail.yaml, or refused. A mail that is accepted twice, because the
// answer to the first got lost, is one touchpoint, because the mail itself names it.
//
// # What is not obvious
//
//   - Nothing is kept here. The mail server in front has a queue that survives everything; an answer of 4xx makes it try
//     again.
//   - What the door refuses is in the dead letters, with its bytes: the sender is told 250, as no retry would help.
//   - A mail larger than most takes one of few places before it is read on, so that memory has a bound that does not
//     depend on how many connections there are.
package mail

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/streams/mail"
)

// Config configures a Server. Start from DefaultConfig.
type Config struct {
	SMTP string // host:port; empty: no SMTP
	LMTP string // host:port, or the path of a socket; empty: no LMTP
	Name string // of this server, in its greeting

	Rules *mail.Rules
	// Doors are where the mails of each workspace of Rules are posted. RetryFor should be short: the mail server in
	// front waits for the answer, and tries again by itself.
	Doors map[string]client.Config
	TLS   *tls.Config // nil: no STARTTLS

	MaxConnections int           // of SMTP and of LMTP, each; further ones wait
	MaxRecipients  int           // of one mail
	SmallMail      int           // bytes that every connection may hold at once
	LargeMails     int           // how many mails larger than that are in memory at once
	Idle           time.Duration // how long a client may be silent, or take for a read
	Drain          time.Duration // how long mails under way may go on after the server was told to stop

	Now        func() time.Time
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil discards
}

// DefaultConfig takes 256 connections, and holds at most some 600 MiB of mails of DefaultLimits.
func DefaultConfig() Config {
	return Config{
		Name: "localhost", MaxConnections: 256, MaxRecipients: 100, SmallMail: 256 << 10, LargeMails: 8,
		Idle:  5 * time.Minute, // RFC 5321, 4.5.3.2.7
		Drain: 10 * time.Second, Now: time.Now,
	}
}

// DefaultDoor is a door that is tried for some seconds: less than mail servers wait for an answer.
func DefaultDoor() client.Config {
	c := client.DefaultConfig()
	c.Timeout, c.RetryFor, c.Plain = 20*time.Second, 3*time.Second, true
	return c
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.SMTP == "" && c.LMTP == "":
		return errors.New("mail: say where to listen: SMTP, LMTP or both")
	case c.Rules == nil:
		return errors.New("mail: no rules")
	case c.Name == "":
		return errors.New("mail: no name for the greeting")
	case c.MaxConnections < 1 || c.MaxRecipients < 1 || c.SmallMail < 1 || c.LargeMails < 1:
		return errors.New("mail: connections, recipients and mails in memory must be positive")
	case c.Idle <= 0 || c.Drain <= 0:
		return errors.New("mail: idle and drain must be positive")
	case c.Now == nil:
		return errors.New("mail: no clock")
	}
	for _, w := range c.Rules.Workspaces {
		door, ok := c.Doors[w.Name]
		if !ok {
			return fmt.Errorf("mail: workspace %s has no door: no API key is given for it", w.Name)
		}
		if err := door.Validate(); err != nil {
			return fmt.Errorf("mail: workspace %s: %w", w.Name, err)
		}
	}
	return nil
}
