// Package transfer follows topic transfers: it offers conversations to other channels, and lets in whoever the log says was first.
package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/transfer"
	"github.com/throughline/throughline/services/kafka"
	decide "github.com/throughline/throughline/streams/transfer"
)

// Secrets are what workspaces sign with; *workspaces.Directory knows.
type Secrets interface {
	Secret(ctx context.Context, workspace string, at int64) ([]byte, error)
}

// Config configures a Desk.
type Config struct {
	Log      kafka.Ranges    // where the records are
	Producer *kafka.Producer // must fail rather than wait for ever
	Secrets  Secrets
	CodeLife time.Duration // of a code to say, at most
	Patience time.Duration // with a log that is away
	Tries    int           // wrong codes a minute and workspace, in this process
	Now      func() time.Time
	Logger   *slog.Logger
}

// DefaultConfig gives a code a quarter of an hour, and those who guess ten tries a minute: of a hundred million codes.
func DefaultConfig() Config {
	return Config{CodeLife: 15 * time.Minute, Patience: kafka.FollowPatience, Tries: 10, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.Log == nil || c.Producer == nil || c.Secrets == nil || c.Now == nil || c.Logger == nil:
		return errors.New("transfer: Log, Producer, Secrets, Now and Logger must be set")
	case c.CodeLife <= 0 || c.Tries <= 0 || c.Patience <= 0:
		return errors.New("transfer: code life, patience and tries must be positive")
	}
	return nil
}

// ErrTooManyTries is returned to who guesses codes.
var ErrTooManyTries = errors.New("transfer: too many wrong codes; wait a minute")

// Desk offers transfers and opens them. It is safe for concurrent use.
type Desk struct {
	config Config
	log    *kafka.Follower

	mu    sync.Mutex // of what follows; never held while the log is read
	book  *decide.Book
	wrong map[string]*tries

	forgot time.Time // when what expired was left out last
}

// tries are wrong codes of a workspace in the minute since.
type tries struct {
	since time.Time
	n     int
}

// NewDesk makes a Desk.
func NewDesk(c Config) (*Desk, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	log := kafka.NewFollower(c.Log, string(topic.Transfers), 0, c.Patience)
	return &Desk{config: c, log: log, book: decide.NewBook(), wrong: map[string]*tries{}}, nil
}

// Given is what the customer gets: one of both opens the transfer.
type Given struct {
	ID          string
	Token       string
	Code        string
	Expires     int64 // ms since 1970
	CodeExpires int64
}

// Offer puts an offer on the log.
func (d *Desk) Offer(ctx context.Context, workspace string, conversation identity.Anchor, channel string, life time.Duration) (g Given, err error) {
	now := d.config.Now().UnixMilli()
	secret, err := d.config.Secrets.Secret(ctx, workspace, now)
	if err != nil {
		return g, err
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	g.ID, g.Expires = decide.NewID(random[:12]), now+life.Milliseconds()
	g.CodeExpires = min(g.Expires, now+d.config.CodeLife.Milliseconds())
	if g.Token, err = decide.Token(secret, workspace, g.ID, g.Expires); err != nil {
		return g, err
	}
	if err := d.advance(ctx); err != nil {
		return g, err
	}
	// Of two offers with one code the later would take the code from the earlier.
	hash := ""
	for at := 12; hash == ""; at++ {
		g.Code = decide.Code(random[at : at+8])
		h := decide.HashCode(secret, workspace, g.Code)
		if d.free(workspace, h) || at == 24 {
			hash = h
		}
	}
	err = d.write(ctx, &transfer.Record{Workspace: workspace, ID: g.ID, At: now, Offer: &transfer.Offer{
		Conversation: conversation, Channel: channel, Expires: g.Expires, Code: hash, CodeExpires: g.CodeExpires,
	}})
	return g, err
}

func (d *Desk) free(workspace, hash string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.book.ByCode(workspace, hash, 0)
	return errors.Is(err, decide.ErrForged)
}

// Link is a transfer that somebody holds a link to.
type Link struct {
	Workspace string
	ID        string
	Offer     transfer.Offer
	Opened    bool
}

// ByToken reads a link of the workspace. The error is one of streams/transfer, or of the log; of an expired one the id is set.
func (d *Desk) ByToken(ctx context.Context, workspace, token string) (l Link, err error) {
	now := d.config.Now().UnixMilli()
	secret, err := d.config.Secrets.Secret(ctx, workspace, now)
	if err != nil {
		return l, err
	}
	id, err := decide.ReadToken(secret, workspace, token, now)
	if errors.Is(err, decide.ErrForged) {
		return l, err
	}
	found, lookErr := d.look(ctx, workspace, id)
	if lookErr != nil && err == nil {
		err = lookErr
	}
	return found, err
}

// ByCode finds the transfer that a code is for. The error is ErrTooManyTries, one of streams/transfer, or of the log.
func (d *Desk) ByCode(ctx context.Context, workspace, said string) (l Link, err error) {
	now := d.config.Now()
	if d.guessedOut(workspace, now) { // before it costs a look at the log
		return l, ErrTooManyTries
	}
	secret, err := d.config.Secrets.Secret(ctx, workspace, now.UnixMilli())
	if err != nil {
		return l, err
	}
	hash := ""
	if code, ok := decide.PlainCode(said); ok {
		hash = decide.HashCode(secret, workspace, code)
		if err := d.advance(ctx); err != nil {
			return l, err
		}
	}
	id, err := d.guess(workspace, hash, now)
	if id == "" {
		return l, err
	}
	l, lookErr := d.look(ctx, workspace, id)
	return l, errors.Join(err, lookErr)
}

// guess says what the code with this hash is for, and counts one that is wrong. Whether there is a try left is asked and used up at once, or
// many who guess at the same moment would all have the last one. Without a hash it was no code at all.
func (d *Desk) guess(workspace, hash string, now time.Time) (id string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tries(workspace, now)
	if t.n >= d.config.Tries {
		return "", ErrTooManyTries
	}
	if err = decide.ErrForged; hash != "" {
		id, err = d.book.ByCode(workspace, hash, now.UnixMilli())
	}
	if err != nil {
		t.n++
	}
	return id, err
}

func (d *Desk) guessedOut(workspace string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries(workspace, now).n >= d.config.Tries
}

// tries are those of the workspace in this minute; d.mu must be held.
func (d *Desk) tries(workspace string, now time.Time) *tries {
	t := d.wrong[workspace]
	if t == nil || now.Sub(t.since) >= time.Minute {
		t = &tries{since: now}
		d.wrong[workspace] = t
	}
	return t
}

func (d *Desk) look(ctx context.Context, workspace, id string) (Link, error) {
	if err := d.advance(ctx); err != nil {
		return Link{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	offer, ok := d.book.Offer(workspace, id)
	opened, _ := d.book.Claimed(workspace, id)
	l := Link{Workspace: workspace, ID: id, Offer: offer, Opened: opened != ""}
	if !ok {
		return l, decide.ErrForged
	}
	return l, nil
}

// May tells whether the link may be opened in a channel, before anything is written. attempt is what the client calls its try, and may
// be empty.
func (d *Desk) May(ctx context.Context, l Link, channel, attempt string) error {
	if err := d.advance(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book.May(l.Workspace, l.ID, channel, attempt, d.config.Now().UnixMilli())
}

// Attempt names a try to open a link: the same for the same words of the client, else one that there was never before.
func (d *Desk) Attempt(ctx context.Context, l Link, name, channel string, identifiers []string) (string, error) {
	if name == "" {
		return rand.Text(), nil
	}
	secret, err := d.config.Secrets.Secret(ctx, l.Workspace, d.config.Now().UnixMilli())
	if err != nil {
		return "", err
	}
	return decide.Attempt(secret, l.Workspace, l.ID, name, channel, identifiers), nil
}

// Open claims the transfer, and returns since when it is open, in ms since 1970, when the log says that this attempt was first; else
// the error is ErrUsed, or of May.
func (d *Desk) Open(ctx context.Context, l Link, channel, attempt string) (at int64, err error) {
	if err := d.May(ctx, l, channel, attempt); err != nil {
		return 0, err
	}
	if first, at := d.claimed(l); first == attempt {
		return at, nil
	}
	now := d.config.Now().UnixMilli()
	if err := d.write(ctx, &transfer.Record{Workspace: l.Workspace, ID: l.ID, At: now, Claim: &transfer.Claim{Attempt: attempt}}); err != nil {
		return 0, err
	}
	first, at := d.claimed(l)
	if first != attempt {
		return 0, decide.ErrUsed
	}
	return at, nil
}

func (d *Desk) claimed(l Link) (attempt string, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book.Claimed(l.Workspace, l.ID)
}

// Refused puts down that somebody was not let in.
func (d *Desk) Refused(ctx context.Context, workspace, id, reason, channel string) error {
	return d.write(ctx, &transfer.Record{Workspace: workspace, ID: id, At: d.config.Now().UnixMilli(), Refusal: &transfer.Refusal{Reason: reason, Channel: channel}})
}

// write appends a record and reads the log up to it.
func (d *Desk) write(ctx context.Context, r *transfer.Record) error {
	value, err := r.Encode()
	if err != nil {
		return err
	}
	record := &kafka.Record{Topic: string(topic.Transfers), Key: r.Key(), Value: value}
	if err := d.config.Producer.Produce(ctx, []*kafka.Record{record}); err != nil {
		return fmt.Errorf("transfer: append: %w", err)
	}
	return d.advance(ctx)
}

// advance reads the log to its end.
func (d *Desk) advance(ctx context.Context) error {
	if err := d.log.Advance(ctx, d.apply); err != nil {
		return fmt.Errorf("transfer: read: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.config.Now(); now.Sub(d.forgot) >= time.Minute {
		d.book.Forget(now.Add(-time.Hour).UnixMilli())
		d.forgot = now
	}
	return nil
}

func (d *Desk) apply(records []*kafka.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range records {
		t, err := transfer.Decode(r.Value)
		if err != nil { // it opens nothing
			d.config.Logger.Error("transfer: record passed over", "offset", r.Offset, "error", err)
			continue
		}
		d.book.Apply(&t)
	}
}
