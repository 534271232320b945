package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/contract"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/privacy"
)

// batch judges the touchpoints of one request, or of one poll of touchpoints.raw, and holds the records they become.
type batch struct {
	c         *Collector
	workspace string
	rules     *identity.Rules // of the workspace
	privacy   *privacy.Policy // likewise
	contracts *contract.Set   // likewise
	source    string          // one of doors
	position  string          // of what is judged now; empty: of its bytes
	options   touchpoint.Options
	now       int64
	made      bool // the id of what was judged last was made here

	answer  Answer
	next    int            // index of what is judged next
	refused int            // how many of all
	noted   map[string]int // how often a privacy rule changed a touchpoint

	block    []byte // records are written into it; a full one is left to them and replaced
	records  []kafka.Record
	pointers []*kafka.Record
}

const (
	firstBlock = 2 << 10
	nextBlock  = 64 << 10
	keepBlock  = 1 << 20
)

func (c *Collector) newBatch(workspace, source string) *batch {
	b, _ := c.batches.Get().(*batch)
	if b == nil {
		b = &batch{c: c, block: make([]byte, 0, firstBlock), noted: map[string]int{}}
		b.options = touchpoint.Options{Registry: c.config.Registry, NewID: func() string { b.made = true; return newID() }, Guard: b.guard}
	}
	b.now = c.config.Now().UnixMilli()
	b.options.Now = b.now
	b.source = source
	b.of(workspace)
	return b
}

// of says whose touchpoints come next. All of one request are judged by the same rules, even if these change meanwhile.
func (b *batch) of(name string) {
	b.workspace = name
	b.contracts = b.c.config.Contracts.Contracts(name)
	rules, policy := b.c.config.Rules.Rules(name), b.c.config.Privacy.Privacy(name)
	if rules != b.rules || policy != b.privacy {
		b.rules, b.privacy = rules, policy
		b.options.Normalise, b.options.Verified = policy.Normalise(rules.Normalise), rules.Verified
	}
}

// guard holds a touchpoint against the contract of its kind, as it was sent, and then takes out of it what must not be kept.
func (b *batch) guard(t *touchpoint.Touchpoint) *touchpoint.FieldError {
	if c := b.contracts.Of(t.Kind); c != nil {
		violations := c.Check(t.Properties)
		if len(violations) > 0 && c.OnViolation == workspace.Refuse {
			return &touchpoint.FieldError{Field: violations[0].Field, Reason: "contract " + c.String() + ": " + violations[0].Reason, Quiet: true}
		}
		for _, v := range violations {
			t.Annotate(touchpoint.Note{About: touchpoint.AboutContract, Rule: c.String(), Field: v.Field, Detail: v.Reason})
		}
	}
	return b.privacy.Apply(t, b.rules.Normalise)
}

// release makes the batch's memory usable again. That is only right once every record of it is acknowledged or failed.
func (b *batch) release() {
	if cap(b.block) > keepBlock || cap(b.records) > 4096 {
		return
	}
	b.reset()
	b.c.batches.Put(b)
}

func (b *batch) reset() {
	clear(b.records)
	b.block, b.records, b.pointers = b.block[:0], b.records[:0], b.pointers[:0]
	b.answer = Answer{Rejected: b.answer.Rejected[:0], IDs: b.answer.IDs[:0]}
	clear(b.noted)
	b.next, b.refused, b.position, b.options.Carrier = 0, 0, "", touchpoint.Carrier{}
}

// one judges data, which is all of one touchpoint.
func (b *batch) one(data []byte) *touchpoint.FieldError {
	_, why := b.judge(data, b.options.Carrier)
	if why != nil {
		b.refuse(data, why)
	}
	return why
}

// judge accepts data, which is all of one touchpoint, or says why not. The carrier fills what data leaves out.
func (b *batch) judge(data []byte, carrier touchpoint.Carrier) (id string, why *touchpoint.FieldError) {
	was := b.options.Carrier
	b.made, b.options.Carrier = false, carrier
	t, content, why := touchpoint.Decode(data, &b.options)
	b.options.Carrier = was
	if why == nil {
		why = b.accept(&t, content)
	}
	return t.ID, why
}

// accept appends a touchpoint that was judged good. It fails only for what cannot be written.
func (b *batch) accept(t *touchpoint.Touchpoint, content touchpoint.Content) *touchpoint.FieldError {
	key := touchpoint.KeyOf(b.workspace, t.ID)
	e := touchpoint.Envelope{Workspace: b.workspace, ID: t.ID, Content: content, Time: t.Time, Received: b.now}
	e.Anchor = b.rules.AnchorOf(b.workspace, key, t).Anchor
	b.room(sizeOf(t))
	from := len(b.block)
	b.block = touchpoint.AppendRecordKey(b.block, b.workspace, t.ID)
	middle := len(b.block)
	b.block = e.Append(b.block)
	var err error
	if b.block, err = t.AppendJSON(b.block); err != nil {
		b.block = b.block[:from]
		return &touchpoint.FieldError{Field: "rating.value", Reason: err.Error()}
	}
	end := len(b.block)
	b.records = append(b.records, kafka.Record{Topic: string(topic.Touchpoints), Key: b.block[from:middle:middle], Value: b.block[middle:end:end]})
	if b.made || touchpoint.IsDerived(t.ID, content) {
		b.answer.IDs = append(b.answer.IDs, MadeID{Index: b.next, ID: t.ID})
	}
	for _, n := range t.Notes {
		if n.About == touchpoint.AboutPrivacy {
			b.noted[n.Rule]++
		}
	}
	b.answer.Accepted++
	b.next++
	return nil
}

// refuse appends the dead letter of data, whose bytes are copied as far as they may be kept.
func (b *batch) refuse(data []byte, why *touchpoint.FieldError) {
	kept := b.privacy.Letter(data, b.rules.Normalise)
	said := &touchpoint.FieldError{Field: why.Field, Reason: why.Reason}
	if !why.Quiet {
		said.Reason = b.privacy.Reason(why.Field, why.Reason)
	}
	if len(kept) < len(data) && len(kept) == 0 {
		said.Reason += " (its bytes are not kept: they cannot be read, and privacy rules are about fields)"
	}
	r := touchpoint.NewRejected(b.workspace, b.source, b.at(kept), b.now, kept, said)
	r.Touchpoint = touchpoint.IDOf(kept)
	if b.source != touchpoint.SourceRaw {
		// Sent again after it was resent or repaired, it is a new refusal of the same dead letter.
		r.Version = uint64(b.now)
	}
	value, err := r.Append(nil)
	if err != nil {
		panic(err) // strings, numbers and bytes always encode
	}
	b.records = append(b.records, kafka.Record{Topic: string(topic.Rejected), Key: []byte(r.ID), Value: value})
	b.answer.Rejected = append(b.answer.Rejected, Refused{Index: b.next, ID: strings.Clone(r.Touchpoint), Field: why.Field, Reason: why.Reason}) // out of the body, whose memory is used again
	b.refused++
	b.next++
}

// at is the position of what is judged.
func (b *batch) at(data []byte) string {
	switch {
	case b.position != "":
		return b.position
	case len(data) == 0: // nothing is kept that would tell it from another
		return "http/" + newID()
	}
	sum := sha256.Sum256(data)
	return "http/" + hex.EncodeToString(sum[:16])
}

// append puts the records into the log and returns when it has them all, or the producer gave up: a client that closed its side of the
// connection may still read, and is to hear how it ended. After an error the memory may still be read by the producer, so the batch must
// not be released.
func (b *batch) append(ctx context.Context) error {
	return b.c.config.Producer.Produce(context.WithoutCancel(ctx), b.outputs())
}

func (b *batch) outputs() []*kafka.Record {
	b.pointers = b.pointers[:0]
	for i := range b.records {
		b.pointers = append(b.pointers, &b.records[i])
	}
	return b.pointers
}

// room makes sure that n bytes can be written without moving what records point into.
func (b *batch) room(n int) {
	if cap(b.block)-len(b.block) < n {
		b.block = make([]byte, 0, max(n, min(nextBlock, 2*cap(b.block))))
	}
}

// sizeOf is about how much a touchpoint takes as a record. Escapes and long tags may make it more; then the block
// moves, and records that were written before keep the old one.
func sizeOf(t *touchpoint.Touchpoint) int {
	n := 512 + 2*len(t.ID) + len(t.Subject) + len(t.Text) + len(t.Properties) + len(t.Actor.Name)
	for _, id := range t.Identifiers {
		n += 48 + len(id.Type) + len(id.Value)
	}
	for _, thread := range t.Thread {
		n += 4 + len(thread)
	}
	return n
}
