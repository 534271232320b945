package identify

import (
	"log/slog"
	"strconv"

	"github.com/throughline/throughline/schemas/conversation"
	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// stitch is one partition of the touchpoints.
type stitch struct {
	metrics  *metrics
	label    string
	number   int32
	stitcher *identity.Stitcher

	links, byPerson, seen, rejected string // topics

	out   kafka.Outputs
	batch touchpoint.SeenBatch
	made  []words.Link
	t     touchpoint.Touchpoint
	log   *slog.Logger
}

func newStitch(c *Config, m *metrics, partition int32) *stitch {
	return &stitch{
		metrics: m, label: strconv.Itoa(int(partition)), number: partition, log: c.Logger,
		stitcher: identity.NewStitcher(c.Rules),
		links:    topic.Links.In(c.Generations),
		byPerson: topic.ByPerson.In(c.Generations),
		seen:     topic.Seen.In(c.Generations),
		rejected: topic.Rejected.In(c.Generations),
	}
}

// RestoreFrom is the digest of what was processed.
func (s *stitch) RestoreFrom() string { return s.seen }

// Replay remembers what was processed and committed. The rest comes again.
func (s *stitch) Replay(records []*kafka.Record, committed int64) error {
	for _, r := range records {
		if err := s.batch.Decode(r.Value); err != nil {
			// What is foreign was never part of the memory. Of what was, a touchpoint that comes again is taken for new here; it
			// finds itself in its person's set, and the store knows it.
			s.log.Error("identify: record of the memory passed over", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "error", err)
			continue
		}
		for i, offset := range s.batch.Offsets {
			if offset < committed {
				s.stitcher.Judge(s.batch.Fingerprints[i])
			}
		}
	}
	s.measure()
	return nil
}

// Process decides the next touchpoints.
func (s *stitch) Process(records []*kafka.Record) ([]*kafka.Record, error) {
	s.out.Reset()
	s.batch.Reset()
	for _, r := range records {
		if err := s.touchpoint(r); err != nil {
			return nil, err
		}
	}
	if len(s.batch.Offsets) > 0 {
		digest, err := s.out.Add(s.seen, nil, func(dst []byte) ([]byte, error) { return s.batch.Append(dst), nil })
		if err != nil {
			return nil, err
		}
		digest.Partition = s.number
	}
	s.measure()
	return s.out.List(), nil
}

func (s *stitch) touchpoint(r *kafka.Record) error {
	e, err := touchpoint.DecodeEnvelope(r.Value)
	if err == nil {
		err = touchpoint.DecodePayload(e.Payload, &s.t)
	}
	if err != nil {
		return s.unreadable(r, err)
	}
	key := touchpoint.KeyOf(e.Workspace, e.ID)
	f := touchpoint.FingerprintOf(key, e.Content)
	switch s.stitcher.Judge(f) {
	case touchpoint.Duplicate:
		s.metrics.duplicates.Inc()
		return nil
	case touchpoint.Conflict: // load keeps it in the dead letters
		s.metrics.conflicts.Inc()
		return nil
	}
	s.batch.Add(r.Offset, f)
	if s.made, err = s.stitcher.Links(&e, key, &s.t, s.made[:0]); err != nil {
		return s.unreadable(r, err)
	}
	for i := range s.made {
		if _, err := s.out.Add(s.links, []byte(e.Workspace), func(dst []byte) ([]byte, error) { return words.AppendLink(dst, &s.made[i]), nil }); err != nil {
			return err
		}
	}
	stub := conversation.StubOf(e.Workspace, key, e.Anchor, &s.t)
	message := conversation.Message{Stub: &stub}
	if _, err := s.out.Add(s.byPerson, e.Anchor[:], func(dst []byte) ([]byte, error) { return message.Append(dst), nil }); err != nil {
		return err
	}
	s.metrics.touchpoints.Inc()
	s.metrics.links.Add(float64(len(s.made)))
	return nil
}

func (s *stitch) unreadable(r *kafka.Record, why error) error {
	s.metrics.unreadable.Inc()
	return refuse(&s.out, s.rejected, touchpoint.WorkspaceOfKey(r.Key), r, why)
}

func (s *stitch) measure() {
	s.metrics.fingerprints.WithLabelValues(s.label).Set(float64(s.stitcher.Seen()))
	s.metrics.fingerprintBytes.WithLabelValues(s.label).Set(float64(s.stitcher.Bytes()))
}
