package conversation

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/oracle"
)

// world is a log of several partitions with an owner each, as the shell drives them: an owner reads a batch, applies it,
// flushes, appends what came out, and commits. It may be killed before it commits; it may also be replaced while it
// still believes that it owns its partition.
type world struct {
	t      *rapid.T
	reg    *registry.Registry
	logs   [][][]byte
	owners []*owner
	stale  []*owner // replaced, and not aware of it
	commit []int
	out    *collected
}

type owner struct {
	partition, at int
	homes         *Homes
}

func (w *world) partitionOf(key identity.Anchor) int { return int(key[15]) % len(w.logs) }

func (w *world) append(key identity.Anchor, m conversation.Message) {
	p := w.partitionOf(key)
	w.logs[p] = append(w.logs[p], m.Append(nil))
}

// restore makes an owner of what is committed, in batches of its own.
func (w *world) restore(partition int) *owner {
	o := &owner{partition: partition, homes: NewHomes(w.reg, 0)}
	o.homes.longFold = rapid.SampledFrom([]uint32{2, longFold}).Draw(w.t, "long")
	for o.at < w.commit[partition] {
		o.read(w, min(w.commit[partition]-o.at, rapid.IntRange(1, 20).Draw(w.t, "replayed")))
		o.homes.Discard()
	}
	return o
}

func (o *owner) read(w *world, n int) {
	for range n {
		m, err := conversation.DecodeMessage(w.logs[o.partition][o.at])
		if err != nil {
			w.t.Fatal(err)
		}
		o.homes.Apply(&m)
		o.at++
	}
}

// step lets an owner work on a batch of at most n records; what of its messages reaches the log before it dies is up
// to keep (-1: all, and the batch is committed).
func (w *world) step(o *owner, n, keep int) {
	n = min(n, len(w.logs[o.partition])-o.at)
	if n == 0 {
		return
	}
	w.out.messages = nil
	o.read(w, n)
	o.homes.Flush(w.out)
	messages := slices.Clone(w.out.messages)
	if keep >= 0 {
		messages = messages[:min(keep, len(messages))]
	}
	for _, m := range messages {
		w.append(m.Key, m.Message)
	}
}

func (w *world) run() {
	for {
		p := rapid.IntRange(0, len(w.logs)-1).Draw(w.t, "partition")
		switch rapid.IntRange(0, 9).Draw(w.t, "what") {
		case 0: // killed in the middle of its batch
			w.step(w.owners[p], rapid.IntRange(1, 6).Draw(w.t, "batch"), rapid.IntRange(0, 3).Draw(w.t, "sent"))
			w.owners[p] = w.restore(p)
		case 1: // replaced, without knowing
			w.stale = append(w.stale, w.owners[p])
			w.owners[p] = w.restore(p)
		case 2, 3: // one that was replaced goes on for a batch
			if len(w.stale) > 0 {
				i := rapid.IntRange(0, len(w.stale)-1).Draw(w.t, "stale")
				w.step(w.stale[i], rapid.IntRange(1, 6).Draw(w.t, "batch"), -1)
				if rapid.Bool().Draw(w.t, "notices") {
					w.stale = slices.Delete(w.stale, i, i+1)
				}
			}
		default:
			w.step(w.owners[p], rapid.IntRange(1, 6).Draw(w.t, "batch"), -1)
			w.commit[p] = w.owners[p].at
		}
		done := true
		for p := range w.logs {
			done = done && w.commit[p] == len(w.logs[p])
		}
		if done {
			return
		}
	}
}

// drain lets the owners finish.
func (w *world) drain() {
	for done := false; !done; {
		done = true
		for p, o := range w.owners {
			if o.at < len(w.logs[p]) {
				w.step(o, 1000, -1)
				done = false
			}
			w.commit[p] = o.at
		}
	}
}

// move is where an anchor, or its part in a thread, goes.
type move struct {
	home, thread identity.Anchor
	person       identity.PersonID
}

// Several customers, several partitions, anchors that move to and fro, owners that die or do not know that they are
// dead: in the end the rows in force are those of the definition over everybody's stubs.
func TestHomes(t *testing.T) {
	reg := registry.Default()
	naive := oracle.Conversations{Registry: reg, Window: DefaultWindow}
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, reg: reg, out: collect()}
		partitions := rapid.IntRange(1, 3).Draw(t, "partitions")
		w.logs, w.commit = make([][][]byte, partitions), make([]int, partitions)

		var anchors []identity.Anchor
		var stubs []conversation.Stub
		for i := range rapid.IntRange(2, 4).Draw(t, "anchors") {
			a := identity.AnchorOf("default", "email", fmt.Sprintf("%d@example.com", i))
			anchors = append(anchors, a)
			stubs = append(stubs, history(t, a, 5)...)
		}
		persons := append(slices.Clone(anchors), anchors[0].Generation(1), anchors[1].Generation(1))
		threads := []conversation.Thread{threadOf("1", "ticket"), threadOf("a", "session"), threadOf("1", "order")}

		// What stitch and resolve write: stubs in any order, moves in theirs, either repeated from some point on.
		arrivals := rapid.Permutation(stubs).Draw(t, "arrivals")
		var moves []move
		for range rapid.IntRange(0, 8).Draw(t, "moves") {
			m := move{home: rapid.SampledFrom(anchors).Draw(t, "home"), person: rapid.SampledFrom(persons).Draw(t, "person")}
			if rapid.Bool().Draw(t, "participation") {
				m.thread = rapid.SampledFrom(threads).Draw(t, "thread").Anchor
			}
			moves = append(moves, m)
		}
		send := func(i int) {
			m := moves[i]
			moved := conversation.Moved{Workspace: "default", Home: m.home, Anchor: m.home, Thread: m.thread, Person: m.person, Version: uint64(i+1) << 20}
			if m.thread != (identity.Anchor{}) {
				moved.Anchor = identity.ParticipationOf(m.home, m.thread)
			}
			w.append(m.home, conversation.Message{Moved: &moved})
		}
		for p := range w.logs {
			w.owners = append(w.owners, w.restore(p))
		}
		for i, next := 0, 0; i < len(arrivals) || next < len(moves); {
			if next == len(moves) || i < len(arrivals) && rapid.Bool().Draw(t, "stub") {
				w.append(arrivals[i].Anchor, conversation.Message{Stub: &arrivals[i]})
				i++
			} else {
				send(next)
				next++
				if rapid.IntRange(0, 4).Draw(t, "resolver died") == 0 {
					for again := rapid.IntRange(0, next-1).Draw(t, "from"); again < next; again++ {
						send(again)
					}
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "meanwhile") == 0 {
				w.run()
			}
		}
		w.run()
		w.drain()
		for _, o := range w.stale { // and at the very end a late word of those that were replaced
			w.step(o, 1000, -1)
		}
		w.drain()
		if w.out.clash != "" {
			t.Fatal(w.out.clash)
		}

		compare(t, naive, w.out, stubs, moves)
	})
}

// owns is whom a stub belongs to: the latest participation among its threads, else its anchor's latest move.
func owns(s *conversation.Stub, moves []move) (person identity.PersonID, participation bool) {
	person = s.Anchor
	for _, m := range moves {
		if m.home == s.Anchor && m.thread.IsZero() {
			person = m.person
		}
	}
	own := person
	for _, m := range moves {
		carries := slices.ContainsFunc(s.Threads, func(t conversation.Thread) bool { return t.Anchor == m.thread })
		if m.home == s.Anchor && !m.thread.IsZero() && carries {
			person, participation = m.person, m.person != own
		}
	}
	return person, participation
}

func compare(t *rapid.T, naive oracle.Conversations, out *collected, stubs []conversation.Stub, moves []move) {
	sets := map[identity.PersonID][]conversation.Stub{}
	for _, s := range stubs {
		person, _ := owns(&s, moves)
		sets[person] = append(sets[person], s)
	}
	want := map[conversation.ID]conversation.Conversation{}
	in := map[touchpoint.Key]conversation.ID{}
	for person, set := range sets {
		groups := naive.Group(set)
		for i, row := range naive.Measure(groups) {
			row.Person = person
			for _, s := range groups[i] {
				in[s.Key] = row.ID
				if _, participant := owns(&s, moves); participant && !slices.Contains(row.Participants, s.Anchor) {
					row.Participants = append(row.Participants, s.Anchor)
				}
			}
			want[row.ID] = row
		}
	}
	for id, row := range out.rows {
		expected, live := want[id]
		switch is := row.State != conversation.Superseded && row.State != conversation.Gone; {
		case is != live:
			t.Fatalf("conversation %s is %s, want it live: %v", id, row.State, live)
		case live:
			row.Version = 0
			if got, want := asJSON(t, row), asJSON(t, expected); got != want {
				t.Fatalf("conversation\n got %s\nwant %s", got, want)
			}
		}
		delete(want, id)
	}
	for id, row := range want {
		t.Fatalf("conversation %s was never written: %s", id, asJSON(t, row))
	}
	for _, s := range stubs {
		m, written := out.members[s.Key]
		if m.Conversation != in[s.Key] {
			t.Fatalf("touchpoint %s is in %s, want %s", s.Key, m.Conversation, in[s.Key])
		}
		if person, _ := owns(&s, moves); written && !m.Conversation.IsZero() && m.Person != person {
			t.Fatalf("touchpoint %s belongs to %s, want %s", s.Key, m.Person, person)
		}
	}
}
