package rehearse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

var (
	// ErrUnknown is returned for a rehearsal that the workspace does not have.
	ErrUnknown = errors.New("rehearse: no such rehearsal")
	// ErrBusy is returned by Start while the workspace has a rehearsal that runs.
	ErrBusy = errors.New("rehearse: another rehearsal of the workspace runs")
	// ErrNotDone is returned by Promote for a rehearsal that runs or failed.
	ErrNotDone = errors.New("rehearse: the rehearsal is not done")
	// ErrFull is returned by Start when as many rehearsals run as this process bears: each has two times the memory of identify.
	ErrFull = errors.New("rehearse: too many rehearsals run")
)

// Directory knows the rules in force and the generations; *workspaces.Directory does.
type Directory interface {
	identity.ByWorkspace
	Generations() (current topic.Generations, building *topic.Generations)
	SetRules(ctx context.Context, name string, r workspace.Rules) error
}

// Producer appends records; *kafka.Producer does.
type Producer interface {
	Produce(ctx context.Context, records []*kafka.Record) error
}

// DeskConfig configures a Desk.
type DeskConfig struct {
	Log       Log
	Store     *clickhouse.DB
	Producer  Producer
	Directory Directory
	Running   int // at the same time, of all workspaces; at most one of each
	Now       func() time.Time
	Logger    *slog.Logger
}

// Validate reports what is missing.
func (c DeskConfig) Validate() error {
	if c.Log == nil || c.Store == nil || c.Producer == nil || c.Directory == nil || c.Now == nil || c.Logger == nil {
		return errors.New("rehearse: Log, Store, Producer, Directory, Now and Logger must be set")
	}
	if c.Running < 1 {
		return errors.New("rehearse: Running must be positive")
	}
	return nil
}

// Desk runs rehearsals and keeps what came of them, as records of topic identity.rehearsals. It is safe for use by several
// goroutines, and several processes may have one.
type Desk struct {
	config DeskConfig

	mu      sync.Mutex
	running map[string]*rehearsal.Record // by workspace; replaced as a whole, never changed
	ending  sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

// NewDesk makes a Desk. Close it.
func NewDesk(c DeskConfig) (*Desk, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Desk{config: c, running: map[string]*rehearsal.Record{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d, nil
}

// Close ends what runs; it is recorded as failed.
func (d *Desk) Close() {
	d.cancel()
	d.ending.Wait()
}

// Start begins a rehearsal of the rules, which goes on when ctx has ended. The error is identity.ErrBadRules, ErrBusy, ErrFull,
// or of the log. since is in ms since 1970, 0 for always.
func (d *Desk) Start(ctx context.Context, name, yaml, user string, since int64) (*rehearsal.Record, error) {
	rules, err := identity.ParseRules([]byte(yaml))
	if err != nil {
		return nil, err
	}
	now := d.config.Now()
	r := &rehearsal.Record{
		ID: newID(), Workspace: name, User: user, Rules: yaml, Since: since, Started: now.UnixMilli(), Updated: now.UnixMilli(),
		Status: rehearsal.Running, Progress: rehearsal.Progress{Step: "deciding"},
	}
	if err := d.enter(r); err != nil {
		return nil, err
	}
	if err := d.write(ctx, r); err != nil {
		d.leave(name)
		return nil, err
	}
	d.ending.Go(func() { d.run(r, rules) })
	return r, nil
}

func (d *Desk) enter(r *rehearsal.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.running[r.Workspace] != nil:
		return ErrBusy
	case len(d.running) >= d.config.Running:
		return ErrFull
	}
	d.running[r.Workspace] = r
	return nil
}

func (d *Desk) leave(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, name)
}

// run runs the rehearsal and records how far it is and what came of it.
func (d *Desk) run(started *rehearsal.Record, rules *identity.Rules) {
	at := *started
	written := at.Updated
	g, _ := d.config.Directory.Generations()
	difference, err := Run(d.ctx, Config{
		Log: d.config.Log, Store: d.config.Store, Generations: g, Workspace: at.Workspace,
		InForce: d.config.Directory.Rules(at.Workspace), New: rules, Since: at.Since, Now: d.config.Now(),
		Progress: func(p rehearsal.Progress) {
			at.Progress, at.Updated = p, d.config.Now().UnixMilli()
			now := at
			d.mu.Lock()
			d.running[at.Workspace] = &now
			d.mu.Unlock()
			if now.Updated-written >= rehearsal.HeartbeatEvery {
				written = now.Updated
				if err := d.write(d.ctx, &now); err != nil {
					d.config.Logger.Warn("rehearse: progress is not recorded", "rehearsal", now.ID, "error", err)
				}
			}
		},
	})
	at.Updated, at.Status, at.Difference = d.config.Now().UnixMilli(), rehearsal.Done, difference
	if err != nil {
		at.Status, at.Error = rehearsal.Failed, err.Error()
	}
	// Also when the process is to end: whoever waits should not have to find out by the silence.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), recordPatience)
	defer cancel()
	if err := d.conclude(ctx, &at); err != nil {
		d.config.Logger.Error("rehearse: the result is not recorded", "rehearsal", at.ID, "error", err)
	}
	d.leave(at.Workspace)
}

// conclude records the result, with as many examples as fit into a record.
func (d *Desk) conclude(ctx context.Context, r *rehearsal.Record) error {
	for {
		value, err := rehearsal.Encode(r)
		if err != nil {
			return err
		}
		if r.Difference == nil || len(r.Difference.Examples) == 0 || len(value) <= maxRecord {
			return d.append(ctx, rehearsal.Key(r.Workspace, r.ID), value)
		}
		fewer := *r.Difference
		fewer.Examples = fewer.Examples[:len(fewer.Examples)/2]
		r.Difference = &fewer
	}
}

// maxRecord stays below what brokers take by default, 1 MiB.
const maxRecord = 900_000

// recordPatience is how long a result may wait for the log.
const recordPatience = 10 * time.Second

// Get returns a rehearsal of the workspace. One that another process ran and has not been heard of is Failed.
func (d *Desk) Get(ctx context.Context, name, id string) (*rehearsal.Record, error) {
	d.mu.Lock()
	here := d.running[name]
	d.mu.Unlock()
	if here != nil && here.ID == id {
		return here, nil
	}
	r, err := d.read(ctx, name, id)
	if err != nil {
		return nil, err
	}
	if silent := d.config.Now().UnixMilli() - r.Updated; r.Status == rehearsal.Running && silent > 3*rehearsal.HeartbeatEvery {
		r.Status, r.Error = rehearsal.Failed, "the process that ran it has ended"
	}
	return r, nil
}

// read looks for the last record of a rehearsal on the log.
func (d *Desk) read(ctx context.Context, name, id string) (*rehearsal.Record, error) {
	key := rehearsal.Key(name, id)
	var last *kafka.Record
	log := kafka.NewFollower(d.config.Log, string(topic.Rehearsals), 0, kafka.FollowPatience)
	err := log.Advance(ctx, func(records []*kafka.Record) {
		for _, r := range records {
			if string(r.Key) == key {
				last = r
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("rehearse: read: %w", err)
	}
	if last == nil {
		return nil, ErrUnknown
	}
	r, found, err := rehearsal.Decode(last.Key, last.Value)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, ErrUnknown
	}
	return &r, nil
}

// Promote puts the rehearsed rules in force: by the word of a user on the log of links, which everything is decided again by,
// and for those who read identifiers. It returns the version of what comes of it. The error is ErrUnknown, ErrNotDone, or of the log.
// Said twice it decides everything again by the same rules, which changes nothing.
func (d *Desk) Promote(ctx context.Context, r *rehearsal.Record, word *schema.Link) (version uint64, err error) {
	if r.Status != rehearsal.Done && r.Status != rehearsal.Promoted {
		return 0, ErrNotDone
	}
	g, _ := d.config.Directory.Generations()
	link := &kafka.Record{Topic: topic.Links.In(g), Key: []byte(r.Workspace), Value: schema.AppendLink(nil, word)}
	if err := d.config.Producer.Produce(ctx, []*kafka.Record{link}); err != nil {
		return 0, fmt.Errorf("rehearse: promote: %w", err)
	}
	version = uint64(link.Offset) + 1
	now := d.config.Now().UnixMilli()
	if err := d.config.Directory.SetRules(ctx, r.Workspace, workspace.Rules{YAML: r.Rules, Version: version, At: now}); err != nil {
		return 0, fmt.Errorf("rehearse: promote: %w", err)
	}
	promoted := *r
	promoted.Status, promoted.Version, promoted.Updated = rehearsal.Promoted, version, now
	return version, d.write(ctx, &promoted)
}

// Discard forgets a rehearsal. The error is ErrNotDone for one that runs, or of the log.
func (d *Desk) Discard(ctx context.Context, r *rehearsal.Record) error {
	if r.Status == rehearsal.Running {
		return ErrNotDone
	}
	return d.append(ctx, rehearsal.Key(r.Workspace, r.ID), nil)
}

func (d *Desk) write(ctx context.Context, r *rehearsal.Record) error {
	value, err := rehearsal.Encode(r)
	if err != nil {
		return err
	}
	return d.append(ctx, rehearsal.Key(r.Workspace, r.ID), value)
}

func (d *Desk) append(ctx context.Context, key string, value []byte) error {
	record := &kafka.Record{Topic: string(topic.Rehearsals), Key: []byte(key), Value: value}
	if err := d.config.Producer.Produce(ctx, []*kafka.Record{record}); err != nil {
		return fmt.Errorf("rehearse: append: %w", err)
	}
	return nil
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
