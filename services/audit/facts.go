package audit

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/oracle"
)

// world is what the log says of one workspace.
type world struct {
	stubs   []conversation.Stub
	links   []link
	people  *oracle.People // by the rules in force
	decided decisions
	moving  moving
}

// link is a link with the version of what it brings about.
type link struct {
	schema.Link
	version uint64
}

func (a *audit) worldOf(workspace string) *world {
	if a.log[workspace] == nil {
		a.log[workspace] = &world{}
	}
	return a.log[workspace]
}

// facts reads every partition of the touchpoints, takes the first record of each id, and reads the rows of the
// partition beside it: both are in the order of their offsets.
func (a *audit) facts(ctx context.Context) error {
	a.log = map[string]*world{}
	ids := map[string]int{}
	for _, id := range a.IDs {
		if !strings.Contains(id, "/") {
			id = workspace.Default + "/" + id
		}
		ids[id] = 0
	}
	name := topic.Touchpoints.In(a.Generations)
	for at, end := range a.ends {
		if at.Topic != name {
			continue
		}
		if err := a.partition(ctx, at, end, ids); err != nil {
			return fmt.Errorf("partition %d: %w", at.Partition, err)
		}
	}
	for id, n := range ids {
		if n == 1 {
			a.report.IDs++
		} else {
			a.report.differ("touchpoint %s was accepted and is stored %d times", id, n)
		}
	}
	return a.twice(ctx)
}

// twice looks for what offsets alone cannot show: an id in two partitions, a record stored twice.
func (a *audit) twice(ctx context.Context) error {
	var rows, records, keys uint64
	_, err := a.Store.One(ctx, "SELECT count(), uniqExact(_partition, _offset), uniqExact(key) FROM "+a.tables.Touchpoints, nil, noLimits, &rows, &records, &keys)
	if err != nil {
		return err
	}
	if rows != records || rows != keys {
		a.report.differ("table %s has %d rows of %d records and %d touchpoints", a.tables.Touchpoints, rows, records, keys)
	}
	return nil
}

func (a *audit) partition(ctx context.Context, at kafka.TopicPartition, end int64, ids map[string]int) error {
	stored, err := a.storedRows(ctx, at.Partition, end)
	if err != nil {
		return err
	}
	defer func() { _ = stored.close() }()
	first := map[string]touchpoint.Content{}
	err = a.Admin.ReadRange(ctx, at.Topic, at.Partition, -1, end, func(records []*kafka.Record) error {
		for _, r := range records {
			envelope, err := touchpoint.DecodeEnvelope(r.Value)
			if err != nil {
				continue // a dead letter; a row at this offset will be reported as one too many
			}
			id := envelope.Workspace + "/" + envelope.ID
			if content, again := first[id]; again {
				if content == envelope.Content {
					a.report.Duplicates++
				} else {
					a.report.Conflicts++
				}
				continue
			}
			first[id] = envelope.Content
			want, t, err := rowOf(&envelope, r.Offset)
			if err != nil {
				continue
			}
			a.report.Touchpoints++
			w := a.worldOf(envelope.Workspace)
			w.stubs = append(w.stubs, conversation.StubOf(envelope.Workspace, touchpoint.KeyOf(envelope.Workspace, envelope.ID), envelope.Anchor, t))
			got, err := stored.upTo(r.Offset, func(extra row) {
				a.report.differ("offset %d of partition %d should not be stored: %s", extra.Offset, at.Partition, extra.Payload)
			})
			switch {
			case errors.Is(err, io.EOF):
				a.report.differ("touchpoint %s (partition %d, offset %d) is not stored", id, at.Partition, r.Offset)
			case err != nil:
				return err
			case !slices.Equal(got.fields(), want.fields()):
				a.report.differ("touchpoint %s is stored as %q, the log says %q", id, got.fields(), want.fields())
			}
			if _, asked := ids[id]; asked && err == nil {
				ids[id]++
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = stored.upTo(end, func(extra row) {
		a.report.differ("offset %d of partition %d should not be stored: %s", extra.Offset, at.Partition, extra.Payload)
	})
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// row is a touchpoint as the store shows it.
type row struct {
	Offset               int64
	Workspace            string
	Key, Anchor          big.Int
	Time, Received       int64
	Channel, Direction   string
	Kind, Actor, Agent   string
	Identifiers          []string
	Thread, Tags         []string
	Topic, Team, Account string
	Source, Scale        string
	Rating               float64
	Payload              string
	Content              uint64
}

const rowColumns = `_offset, workspace, key, anchor, toUnixTimestamp64Milli(time), toUnixTimestamp64Milli(received), channel, toString(direction), kind,
	toString(actor_type), agent, identifiers, thread, tags, topic, team, account, source, rating_scale, rating_value, payload, content`

func (r *row) targets() []any {
	return []any{&r.Offset, &r.Workspace, &r.Key, &r.Anchor, &r.Time, &r.Received, &r.Channel, &r.Direction, &r.Kind,
		&r.Actor, &r.Agent, &r.Identifiers, &r.Thread, &r.Tags, &r.Topic, &r.Team, &r.Account, &r.Source, &r.Scale, &r.Rating, &r.Payload, &r.Content}
}

// fields are the values to compare.
func (r *row) fields() []string {
	list := func(of []string) string { return strings.Join(of, "\x00") }
	return []string{r.Workspace, r.Key.String(), r.Anchor.String(), fmt.Sprint(r.Time), fmt.Sprint(r.Received), r.Channel, r.Direction, r.Kind,
		r.Actor, r.Agent, list(r.Identifiers), list(r.Thread), list(r.Tags), r.Topic, r.Team, r.Account, r.Source, r.Scale, fmt.Sprint(r.Rating), r.Payload, fmt.Sprint(r.Content)}
}

// rowOf decodes the payload by other code than the loader's.
func rowOf(e *touchpoint.Envelope, offset int64) (r row, t *touchpoint.Touchpoint, err error) {
	t = &touchpoint.Touchpoint{}
	if err := json.Unmarshal(e.Payload, t); err != nil {
		return r, nil, err
	}
	key := touchpoint.KeyOf(e.Workspace, e.ID)
	r = row{
		Offset: offset, Workspace: e.Workspace, Time: e.Time, Received: e.Received, Channel: t.Channel, Direction: string(t.Direction), Kind: t.Kind,
		Actor: string(t.Actor.Type), Thread: t.Thread, Tags: t.Tags, Topic: t.Topic, Team: t.Team, Account: t.Account, Source: t.Source, Payload: string(e.Payload),
		Content: binary.BigEndian.Uint64(e.Content[:]) >> 16, // the 48 bits that are stored
	}
	if t.Actor.Type == touchpoint.Agent {
		r.Agent = t.Actor.ID
	}
	if t.Rating != nil {
		r.Scale, r.Rating = t.Rating.Scale, t.Rating.Value
	}
	r.Key.SetBytes(key[:])
	r.Anchor.SetBytes(e.Anchor[:])
	for _, id := range t.Identifiers {
		name := id.Type + ":" + id.Value
		if !id.Verified {
			name = "claimed:" + name
		}
		r.Identifiers = append(r.Identifiers, name)
	}
	return r, t, nil
}

// rows are the stored rows of a partition, in order of their offsets.
type rows struct {
	rows *clickhouse.Rows
	next *row // read and not yet asked for
}

func (a *audit) storedRows(ctx context.Context, partition int32, end int64) (*rows, error) {
	r, err := a.Store.Query(ctx, "SELECT "+rowColumns+" FROM "+a.tables.Touchpoints+
		" WHERE _partition = {partition:Int32} AND _offset < {end:Int64} ORDER BY _offset", clickhouse.Params{"partition": partition, "end": end}, noLimits)
	if err != nil {
		return nil, err
	}
	return &rows{rows: r}, nil
}

func (r *rows) close() error { return r.rows.Close() }

// upTo returns the row of the offset, and calls extra for those before it. io.EOF says that there is none.
func (r *rows) upTo(offset int64, extra func(row)) (row, error) {
	for {
		if r.next == nil {
			if !r.rows.Next() {
				if err := r.rows.Err(); err != nil {
					return row{}, err
				}
				return row{}, io.EOF
			}
			r.next = &row{}
			if err := r.rows.Scan(r.next.targets()...); err != nil {
				return row{}, err
			}
		}
		switch {
		case r.next.Offset > offset:
			return row{}, io.EOF
		case r.next.Offset == offset:
			found := *r.next
			r.next = nil
			return found, nil
		}
		extra(*r.next)
		r.next = nil
	}
}
