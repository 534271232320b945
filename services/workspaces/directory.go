// Package workspaces follows topic workspaces: which key belongs to which workspace, by which rules a workspace tells people
// apart, what it promises and says of channels, which generation is read, and what the last audit found.
package workspaces

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/contract"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/privacy"
	"github.com/throughline/throughline/streams/promise"
)

// Config configures a Directory. Start from DefaultConfig.
type Config struct {
	Kafka    kafka.Config
	Producer kafka.ProducerConfig
	// Rules are those of the workspaces that have none of their own; all rank threads by Registry.
	Rules    *identity.Rules
	Registry *registry.Registry
	// Every is how often the topic is looked at: how long a revoked key may still be good.
	Every    time.Duration
	Patience time.Duration // with a broker that is away, when a caller wants to know what is on the topic by now
	Logger   *slog.Logger  // nil discards
}

// DefaultConfig looks four times a second, and has the rules and the registry that ship with the product.
func DefaultConfig() Config {
	return Config{
		Producer: kafka.DefaultProducerConfig(),
		Rules:    identity.DefaultRules(),
		Registry: registry.Default(),
		Every:    250 * time.Millisecond,
		Patience: kafka.FollowPatience,
	}
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	if err := c.Kafka.Validate(); err != nil {
		return err
	}
	if c.Every <= 0 || c.Patience <= 0 {
		return errors.New("workspaces: every and patience must be positive")
	}
	if c.Rules == nil || c.Registry == nil {
		return errors.New("workspaces: no rules or no registry")
	}
	return c.Producer.Validate()
}

// Directory knows the keys, the rules and the generations. It is safe for use by several goroutines.
type Directory struct {
	config   Config
	log      *slog.Logger
	rules    *identity.Rules // of workspaces that have none of their own
	promises *promise.Policy // likewise
	admin    *kafka.Admin
	producer *kafka.Producer

	state  atomic.Pointer[state]
	topic  *kafka.Follower
	caught chan struct{}
	once   sync.Once
}

// state is everything the topic says; it is never changed, only replaced.
type state struct {
	keys    map[[sha256.Size]byte]workspace.Key
	rules   map[string]ownRules // by workspace
	control workspace.Control

	promises   map[string]*promise.Policy // by workspace
	privacy    map[string]*privacy.Policy
	secrets    map[string][]byte
	contracts  map[string]*contract.Set
	sourceKeys map[string]workspace.SourceKey // by hash
	channels   map[string]*ownChannels
	audit      *workspace.Audit
}

// NewDirectory makes a Directory that knows nothing yet: see Run and Wait.
func NewDirectory(c Config) (*Directory, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Directory{config: c, log: c.Logger, rules: c.Rules.WithRegistry(c.Registry), promises: promise.OfRegistry(c.Registry), caught: make(chan struct{})}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.state.Store(&state{
		keys:    map[[sha256.Size]byte]workspace.Key{},
		rules:   map[string]ownRules{},
		control: workspace.Control{Current: topic.First},

		promises:   map[string]*promise.Policy{},
		privacy:    map[string]*privacy.Policy{},
		secrets:    map[string][]byte{},
		contracts:  map[string]*contract.Set{},
		sourceKeys: map[string]workspace.SourceKey{},
		channels:   map[string]*ownChannels{},
	})
	var err error
	if d.admin, err = kafka.NewAdmin(c.Kafka); err != nil {
		return nil, err
	}
	if d.producer, err = kafka.NewProducer(c.Kafka, c.Producer); err != nil {
		d.admin.Close()
		return nil, err
	}
	d.topic = kafka.NewFollower(d.admin, string(topic.Workspaces), 0, c.Patience)
	return d, nil
}

func (s *state) clone() *state {
	return &state{keys: maps.Clone(s.keys), rules: maps.Clone(s.rules), control: s.control, promises: maps.Clone(s.promises),
		privacy: maps.Clone(s.privacy), secrets: maps.Clone(s.secrets), contracts: maps.Clone(s.contracts), sourceKeys: maps.Clone(s.sourceKeys),
		channels: maps.Clone(s.channels), audit: s.audit}
}

// Run follows the topic until ctx ends. While the broker is away, what was known stays true.
func (d *Directory) Run(ctx context.Context) error {
	tick := time.NewTicker(d.config.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := d.advance(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("workspaces: cannot follow the topic", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// Wait returns when everything was read that the topic had when Run began, or ctx ended.
func (d *Directory) Wait(ctx context.Context) error {
	select {
	case <-d.caught:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("workspaces: wait: %w", ctx.Err())
	}
}

// Close disconnects. Call it after Run returned.
func (d *Directory) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := d.producer.Close(ctx)
	d.admin.Close()
	return err
}

// Authenticate returns the workspace of a key; ok is false when there is none or it was revoked.
func (d *Directory) Authenticate(key string) (name string, ok bool) {
	k, ok := d.state.Load().keys[sha256.Sum256([]byte(key))]
	return k.Workspace, ok && k.Revoked == 0
}

// May tells whether a key has a scope; one that is not known or was revoked has none.
func (d *Directory) May(key string, s workspace.Scope) bool {
	k, ok := d.state.Load().keys[sha256.Sum256([]byte(key))]
	return ok && k.Revoked == 0 && k.May(s)
}

// Generations is what is read now and what is being built beside it, which is nil when nothing is.
func (d *Directory) Generations() (current topic.Generations, building *topic.Generations) {
	c := d.state.Load().control
	return c.Current, c.Building
}

// Dropping is what was read before the last switch and is not dropped yet; nil when nothing is left of it.
func (d *Directory) Dropping() *topic.Generations { return d.state.Load().control.Dropping }

// Running are the generations whose stages run now.
func (d *Directory) Running(now time.Time) []topic.Generations {
	return d.state.Load().control.Running(now.UnixMilli())
}

// Keys lists the keys that are kept, oldest first, without what would let anybody in.
func (d *Directory) Keys() []workspace.Key {
	return slices.SortedFunc(maps.Values(d.state.Load().keys), func(a, b workspace.Key) int {
		return int(a.Created - b.Created)
	})
}

// Workspaces lists the names of the workspaces that have a key.
func (d *Directory) Workspaces() []string {
	names := map[string]struct{}{}
	for _, k := range d.state.Load().keys {
		names[k.Workspace] = struct{}{}
	}
	return slices.Sorted(maps.Keys(names))
}

// Add lets key into its workspace, and returns when this directory knows it. The key itself is not kept.
func (d *Directory) Add(ctx context.Context, key string, k workspace.Key) error {
	if key == "" {
		return ErrEmptyKey
	}
	if err := workspace.ValidName(k.Workspace); err != nil {
		return err
	}
	for _, s := range k.Scopes {
		if err := workspace.ValidScope(s); err != nil {
			return err
		}
	}
	if err := d.advance(ctx); err != nil {
		return err
	}
	if had, known := d.state.Load().keys[sha256.Sum256([]byte(key))]; known && had.Revoked == 0 && (had.Workspace != k.Workspace || !slices.Equal(had.Scopes, k.Scopes)) {
		return fmt.Errorf("%w, of workspace %s", ErrKeyInForce, had.Workspace)
	}
	value, err := workspace.Encode(k)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.HashOf(key), value)
}

// Revoke shuts key out from now on; at is when, in ms since 1970. A key that is not known is ErrUnknownKey.
func (d *Directory) Revoke(ctx context.Context, key string, at int64) error {
	if err := d.advance(ctx); err != nil {
		return err
	}
	k, ok := d.state.Load().keys[sha256.Sum256([]byte(key))]
	if !ok {
		return ErrUnknownKey
	}
	k.Revoked = at
	value, err := workspace.Encode(k)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.HashOf(key), value)
}

// SetGenerations says what is read and built from now on, and returns when this directory knows it.
func (d *Directory) SetGenerations(ctx context.Context, c workspace.Control) error {
	value, err := workspace.Encode(c)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.ControlKey, value)
}

var (
	// ErrEmptyKey is returned by Add: a client that sends no key must not get in.
	ErrEmptyKey = errors.New("workspaces: the key is empty")
	// ErrKeyInForce is returned by Add for a key that lets somebody into another workspace, or to something else: who holds it would be shut out.
	ErrKeyInForce = errors.New("workspaces: the key is in force already")
	// ErrUnknownKey is returned by Revoke.
	ErrUnknownKey = errors.New("workspaces: no such key")
)

// NewKey makes a key of 192 random bits.
func NewKey() string {
	var b [24]byte
	rand.Read(b[:]) // never fails
	return "tl_" + base64.RawURLEncoding.EncodeToString(b[:])
}

func (d *Directory) write(ctx context.Context, key string, value []byte) error {
	r := &kafka.Record{Topic: string(topic.Workspaces), Key: []byte(key), Value: value}
	if err := d.producer.Produce(ctx, []*kafka.Record{r}); err != nil {
		return fmt.Errorf("workspaces: append: %w", err)
	}
	return d.advance(ctx)
}

// advance reads the topic to its end.
func (d *Directory) advance(ctx context.Context) error {
	err := d.topic.Advance(ctx, func(records []*kafka.Record) {
		s := d.state.Load().clone()
		for _, r := range records {
			d.apply(s, r)
		}
		d.state.Store(s)
	})
	if err != nil {
		return fmt.Errorf("workspaces: read: %w", err)
	}
	d.once.Do(func() { close(d.caught) })
	return nil
}

// apply takes one record in. One that cannot be read lets nobody in and must not keep the others out.
func (d *Directory) apply(s *state, r *kafka.Record) {
	rec, err := workspace.Decode(r.Key, r.Value)
	switch {
	case err != nil:
	case rec.Control != nil:
		s.control = *rec.Control
	case rec.PromisesOf != "":
		err = s.applyPromises(rec)
	case rec.PrivacyOf != "":
		err = s.applyPrivacy(rec)
	case rec.ContractOf != "":
		err = s.applyContract(rec)
	case rec.SecretOf != "":
		s.applySecret(rec)
	case rec.SourceHash != "":
		s.applySourceKey(rec)
	case rec.ChannelOf != "":
		s.applyChannel(rec, d.config.Registry)
	case rec.Audit != nil:
		s.audit = rec.Audit
	case rec.Workspace != "":
		err = s.applyRules(rec, d.config.Registry)
	default:
		err = s.applyKey(rec)
	}
	if err != nil {
		d.log.Error("workspaces: record passed over", "offset", r.Offset, "error", err)
	}
}

func (s *state) applyKey(rec workspace.Record) error {
	var hash [sha256.Size]byte
	if _, err := hex.Decode(hash[:], []byte(rec.Hash)); err != nil {
		return err
	}
	if rec.Key == nil {
		delete(s.keys, hash)
	} else {
		s.keys[hash] = *rec.Key
	}
	return nil
}
