package identify

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// half is one of the two stages, as the loop sees it.
type half interface {
	kafka.Partition
	kafka.Restorer
}

// run feeds a stage its input in batches of any size, and kills it at any point: before outputs are in the log, after
// that and before the commit, or after it. It returns everything the stage has ever appended.
func run(t *rapid.T, input []*kafka.Record, make func() half) (outputs []*kafka.Record) {
	committed := 0
	digests := map[string][]*kafka.Record{} // other topics to restore from
	for committed < len(input) {
		p := make()
		before := digests[p.RestoreFrom()]
		if p.RestoreFrom() == input[0].Topic {
			before = input[:committed]
		}
		if err := p.Replay(before, int64(committed)); err != nil {
			t.Fatal(err)
		}
		for at := committed; at < len(input); {
			to := at + rapid.IntRange(1, len(input)-at).Draw(t, "batch")
			out, err := p.Process(input[at:to])
			if err != nil {
				t.Fatal(err)
			}
			dies := rapid.SampledFrom([]string{"", "", "before the outputs", "amid the outputs", "before the commit", "after the commit"}).Draw(t, "dies")
			if dies == "before the outputs" {
				break
			}
			if dies == "amid the outputs" {
				out = out[:len(out)/2]
			}
			for _, r := range out {
				kept := copyOf(r)
				outputs = append(outputs, kept)
				digests[r.Topic] = append(digests[r.Topic], kept)
			}
			if dies == "before the commit" || dies == "amid the outputs" {
				break
			}
			if committed, at = to, to; dies != "" {
				break
			}
		}
	}
	return outputs
}

func numbered(records []*kafka.Record) []*kafka.Record {
	for i, r := range records {
		r.Offset = int64(i)
	}
	return records
}

func ofTopic(records []*kafka.Record, n topic.Name) (out []*kafka.Record) {
	for _, r := range records {
		if r.Topic == string(n) {
			out = append(out, r)
		}
	}
	return out
}

func TestKilledAtAnyPoint(t *testing.T) {
	c := DefaultConfig()
	m := newMetrics(nil)
	rapid.Check(t, func(rt *rapid.T) {
		input := numbered(company(t, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 40).Draw(rt, "n")))
		bad := &kafka.Record{Topic: string(topic.Touchpoints), Key: []byte("default/x"), Value: []byte("nonsense")}
		input = numbered(slices.Insert(input, rapid.IntRange(0, len(input)).Draw(rt, "poison"), bad))

		stitched := run(rt, input, func() half { return newStitch(&c, m, 0) })
		got := read(t, stitched)
		want := firsts(t, slices.DeleteFunc(slices.Clone(input), func(r *kafka.Record) bool { return r == bad }))
		same(t, "stubs", got.stubs, want)
		if len(got.letters) != 1 {
			t.Fatalf("letters: %v", got.letters)
		}

		// Links that are on the log are the input of the other half, however often they are there.
		links := numbered(ofTopic(stitched, topic.Links))
		if len(links) == 0 {
			return
		}
		resolved := read(t, run(rt, links, func() half { return resolveOf(t, &c, links, nil) }))
		moves, edges := people(t, links)
		same(t, "moves", resolved.moves, moves)
		same(t, "edges", resolved.edges, edges)
		if len(resolved.moved) != len(moves) {
			t.Fatalf("%d moves for the store, %d for homes", len(moves), len(resolved.moved))
		}

		// And they say the same as those of a stage that never died.
		calm := newStitch(&c, m, 0)
		out, err := calm.Process(input)
		if err != nil {
			t.Fatal(err)
		}
		once := numbered(ofTopic(out, topic.Links))
		if a, b := partitions(t, links), partitions(t, once); a != b {
			t.Fatalf("%d people after crashes, %d without", a, b)
		}
	})
}

// partitions counts the people that links make.
func partitions(tb testing.TB, links []*kafka.Record) int {
	tb.Helper()
	c := DefaultConfig()
	p := resolveOf(tb, &c, links, nil)
	if err := p.Replay(links, 0); err != nil {
		tb.Fatal(err)
	}
	n := 0
	for _, r := range p.resolvers {
		n += r.Persons()
	}
	return n
}

func TestPoisonNeverStopsThePartition(t *testing.T) {
	c := DefaultConfig()
	m := newMetrics(nil)
	good := company(t, 1, 20)
	foreign := copyOf(good[0])
	foreign.Value[3] ^= 0xff // an anchor that is not its own
	foreign.Key = []byte("default/foreign")
	input := numbered(append([]*kafka.Record{
		{Topic: string(topic.Touchpoints)},
		{Topic: string(topic.Touchpoints), Key: []byte("w1/x"), Value: make([]byte, 60)},
		foreign,
	}, good[1:]...))
	p := newStitch(&c, m, 0)
	out, err := p.Process(input)
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, out)
	if len(got.letters) != 3 {
		t.Errorf("letters: %v", got.letters)
	}
	for _, l := range ofTopic(out, topic.Rejected) {
		t.Logf("%s", l.Value)
	}

	links := []*kafka.Record{{Topic: string(topic.Links), Key: []byte("w1"), Value: []byte("{")}, {Topic: string(topic.Links), Key: nil, Value: nil}}
	node := words.Node{Anchor: words.AnchorOf("w1", "email", "x"), Type: "email", Value: "x"}
	for _, l := range []words.Link{{}, {Workspace: "w1", Kind: words.LinkVerified}, {Workspace: "w1", Kind: words.LinkThread, A: node, B: node}} {
		links = append(links, &kafka.Record{Topic: string(topic.Links), Key: []byte("w1"), Value: words.AppendLink(nil, &l)})
	}
	r := resolveOf(t, &c, nil, nil)
	if out, err = r.Process(numbered(links)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out); len(got.letters) != 2 || len(got.edges) != 3 || len(got.moves) != 0 {
		t.Errorf("got %+v", got)
	}
}

// A record of the memory that nobody can read leaves the others to be remembered.
func TestPoisonInTheMemory(t *testing.T) {
	c := DefaultConfig()
	m := newMetrics(nil)
	input := numbered(company(t, 1, 20))
	out, err := newStitch(&c, m, 0).Process(input)
	if err != nil {
		t.Fatal(err)
	}
	memory := append([]*kafka.Record{{Value: []byte("garbage")}, {}}, ofTopic(out, topic.Seen)...)
	again := newStitch(&c, m, 0)
	if err := again.Replay(memory, int64(len(input))); err != nil {
		t.Fatal(err)
	}
	if out, err = again.Process(input); err != nil || len(out) != 0 {
		t.Errorf("%d outputs of what was processed before, %v", len(out), err)
	}
}

func FuzzLinkRecord(f *testing.F) {
	l := words.Link{Workspace: "w", Kind: words.LinkVerified, A: words.Node{Anchor: words.AnchorOf("w", "email", "a"), Type: "email", Value: "a"}, B: words.Node{Anchor: words.AnchorOf("w", "phone", "b"), Type: "phone", Value: "b"}}
	f.Add(words.AppendLink(nil, &l))
	f.Add([]byte{1, 4})
	c := DefaultConfig()
	f.Fuzz(func(t *testing.T, data []byte) {
		p := resolveOf(t, &c, nil, nil)
		records := numbered([]*kafka.Record{{Topic: "identity.links", Value: data}, {Topic: "identity.links", Value: data}})
		if _, err := p.Process(records); err != nil {
			t.Fatal(err)
		}
	})
}
