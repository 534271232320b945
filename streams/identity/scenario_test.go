package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// scenario plays a story from testdata. A line is a touchpoint,
//
//	ID at HH:MM [in THREAD...] [with VERIFIED...] [claiming CLAIMED...]
//
// or what a user does,
//
//	USER merges A B because WHY
//	USER splits A... from B because WHY     A... leave the person of B together
//	USER retracts A B because WHY           the evidence that joins A and B
//	USER accepts A B because WHY            the suggestion that A and B are one person
//	USER declines A B because WHY
//	the log is replayed                     everything is decided again, from the first touchpoint
//	rule: TYPE share N                      at the beginning: so many persons may have one value of the type
//
// or says what must hold after what is above it:
//
//	one person: A B C        the identifiers, threads or touchpoints have one person
//	apart: A B C             no two of them have
//	named: A                 the person of A has the anchor of A for its id
//	ID belongs to A          the conversations of A's person get the touchpoint
//	joined: A B              the link was kept; so with held, undone, declined: what became of it last
//	refused: A B because R   the link was refused by the rule R; "refused: nothing" says that none was
//	suggested: A B           the link was claimed, and somebody may say whether it is so
//	shared: A                several persons were found to use the value
//	refusals: N              so many were recorded; so with suggestions
type scenario struct {
	t        *testing.T
	rules    *Rules
	seen     *Stitcher
	resolver *Resolver
	follower follower
	log      []identity.Link
	done     Outcome
	told     map[string]told
}

// told is a touchpoint of the story.
type told struct {
	node    identity.Node
	threads []string
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := DefaultRules()
			s := scenario{t: t, rules: r, seen: NewStitcher(r), resolver: NewResolver("w", r), follower: follower{}, told: map[string]told{}}
			for i, line := range strings.Split(string(text), "\n") {
				if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				if wrong := s.line(line); wrong != "" {
					t.Errorf("%s:%d: %s\n\t%s", file, i+1, line, wrong)
				}
			}
			if wrong := s.replay(); wrong != "" {
				t.Error("replayed: " + wrong)
			}
			s.resolver.checkBooks(t)
		})
	}
}

func (s *scenario) line(line string) (wrong string) {
	if verb, rest, isCheck := strings.Cut(line, ": "); isCheck {
		return s.check(verb, rest, strings.Fields(rest))
	}
	if id, owner, ok := strings.Cut(line, " belongs to "); ok {
		if got, want := s.belongs(id), s.person(owner); got != want {
			return fmt.Sprintf("it belongs to %s, not to %s", got, want)
		}
		return ""
	}
	words := strings.Fields(line)
	switch {
	case line == "the log is replayed":
		return s.replay()
	case words[1] == "at":
		return s.touchpoint(words)
	}
	return s.act(line)
}

// check returns what is wrong with a line that says what must hold.
func (s *scenario) check(verb, rest string, words []string) (wrong string) {
	switch verb {
	case "one person":
		for _, name := range words {
			if s.person(name) != s.person(words[0]) {
				return name + " is somebody else"
			}
		}
	case "apart":
		for i, name := range words {
			for _, other := range words[:i] {
				if s.person(name) == s.person(other) {
					return name + " and " + other + " are one person"
				}
			}
		}
	case "named":
		if s.person(rest) != s.node(rest).Anchor {
			return "the person has another name"
		}
	case "joined", "held", "undone", "declined", "suggested":
		if last := s.last(words[0], words[1]); string(last.Decision) != verb {
			return fmt.Sprintf("it is %q: %s", last.Decision, s.decisions())
		}
	case "refused":
		link, rule, _ := strings.Cut(rest, " because ")
		if rest == "nothing" {
			if n := s.count(identity.Refused); n > 0 {
				return s.decisions()
			}
		} else if last := s.last(words[0], words[1]); last.Decision != identity.Refused || last.Rule != rule {
			return fmt.Sprintf("%s is %q by %q: %s", link, last.Decision, last.Rule, s.decisions())
		}
	case "shared":
		node := s.node(rest)
		if !slices.ContainsFunc(s.done.Edges, func(e identity.Edge) bool { return e.Decision == identity.Shared && e.A.Anchor == node.Anchor }) {
			return s.decisions()
		}
	case "rule":
		return s.rule(words)
	case "refusals", "suggestions":
		of := map[string]identity.Decision{"refusals": identity.Refused, "suggestions": identity.Suggested}[verb]
		if n := s.count(of); rest != fmt.Sprint(n) {
			return fmt.Sprintf("%d: %s", n, s.decisions())
		}
	default:
		return "what is that?"
	}
	return ""
}

// rule sets how many may share the values of a type.
func (s *scenario) rule(words []string) (wrong string) {
	rules := *s.rules
	rules.Types = slices.Clone(rules.Types)
	i := slices.IndexFunc(rules.Types, func(t Type) bool { return t.Name == words[0] })
	if i < 0 || len(words) != 3 || words[1] != "share" || len(s.log) > 0 {
		return "what is that?"
	}
	var err error
	if rules.Types[i].Share, err = strconv.Atoi(words[2]); err != nil {
		return err.Error()
	}
	s.rules, s.resolver = &rules, NewResolver("w", &rules)
	return ""
}

// last is the latest decision about two.
func (s *scenario) last(a, b string) (last identity.Edge) {
	pair := pairOf(s.node(a).Anchor, s.node(b).Anchor)
	for _, e := range s.done.Edges {
		if pairOf(e.A.Anchor, e.B.Anchor) == pair {
			last = e
		}
	}
	return last
}

func (s *scenario) count(decision identity.Decision) (n int) {
	for _, e := range s.done.Edges {
		if e.Decision == decision {
			n++
		}
	}
	return n
}

// decisions are all that were made, for people.
func (s *scenario) decisions() string {
	var out strings.Builder
	for _, e := range s.done.Edges {
		fmt.Fprintf(&out, "\n\t\t%d %s %s:%s %s:%s by %s", e.Version, e.Decision, e.A.Type, e.A.Value, e.B.Type, e.B.Value, e.Rule)
	}
	return out.String()
}

func (s *scenario) apply(l identity.Link) {
	moves := len(s.done.Moves)
	s.resolver.Apply(int64(len(s.log)), 0, &l, &s.done)
	s.log = append(s.log, l)
	s.follower.take(s.t, s.done.Moves[moves:])
}

// replay decides the log again, and goes on from there.
func (s *scenario) replay() (wrong string) {
	before, log := s.done, s.log
	s.resolver, s.follower, s.done, s.log = NewResolver("w", s.rules), follower{}, Outcome{}, nil
	for _, l := range log {
		s.apply(l)
	}
	if !slices.Equal(before.Moves, s.done.Moves) || !slices.Equal(before.Edges, s.done.Edges) {
		return "something was decided otherwise"
	}
	return ""
}

// act does what a user does.
func (s *scenario) act(line string) (wrong string) {
	act, why, ok := strings.Cut(line, " because ")
	words := strings.Fields(act)
	if !ok || len(words) < 4 {
		return "what is that, or why?"
	}
	kinds := map[string]identity.LinkKind{
		"merges": identity.LinkMerge, "splits": identity.LinkSplit, "retracts": identity.LinkRetract,
		"accepts": identity.LinkAccept, "declines": identity.LinkDecline,
	}
	l := identity.Link{Workspace: "w", Kind: kinds[words[1]], User: words[0], Reason: why, Time: int64(len(s.log))}
	switch {
	case l.Kind == "":
		return "what is that?"
	case l.Kind == identity.LinkSplit:
		l.A = s.node(words[len(words)-1])
		for _, name := range words[2 : len(words)-2] {
			l.Nodes = append(l.Nodes, s.node(name))
		}
	default:
		l.A, l.B = s.node(words[2]), s.node(words[3])
	}
	if l.Kind == identity.LinkAccept { // with the time and key of the touchpoint that claimed it
		claim := s.last(words[2], words[3])
		l.Key, l.Time = claim.Evidence.Key, claim.Evidence.Time
	}
	s.apply(l)
	return ""
}

func (s *scenario) touchpoint(words []string) (wrong string) {
	if len(words) < 3 || words[1] != "at" {
		return "what is that?"
	}
	t := touchpoint.Touchpoint{ID: words[0]}
	var hour, minute int64
	if _, err := fmt.Sscanf(words[2], "%d:%d", &hour, &minute); err != nil {
		return err.Error()
	}
	t.Time = (hour*60 + minute) * 60_000
	section := ""
	for _, word := range words[3:] {
		switch {
		case word == "in" || word == "with" || word == "claiming":
			section = word
		case section == "in":
			t.Thread = append(t.Thread, word)
		default:
			typ, value, err := ParseIdentifier(word)
			if err != nil {
				return err.Error()
			}
			id, err := s.rules.Normalise(touchpoint.Identifier{Type: typ, Value: value, Verified: section == "with"})
			if err != nil {
				return err.Error()
			}
			t.Identifiers = append(t.Identifiers, id)
		}
	}
	key := touchpoint.KeyOf("w", t.ID)
	node := s.rules.AnchorOf("w", key, &t)
	e := touchpoint.Envelope{Workspace: "w", ID: t.ID, Time: t.Time, Anchor: node.Anchor}
	if verdict := s.seen.Judge(touchpoint.FingerprintOf(key, e.Content)); verdict != touchpoint.New {
		return "the touchpoint is not new"
	}
	links, err := NewStitcher(s.rules).Links(&e, key, &t, nil) // as after a restart: nothing is left out
	if err != nil {
		return err.Error()
	}
	for _, l := range links {
		s.apply(l)
	}
	s.told[t.ID] = told{node, t.Thread}
	return ""
}

// node reads an identifier, a thread (of a scheme that the registry knows) or a touchpoint of the story.
func (s *scenario) node(name string) identity.Node {
	if t, ok := s.told[name]; ok {
		return t.node
	}
	claimed, isClaimed := strings.CutPrefix(name, ClaimedPrefix)
	typ, value, err := ParseIdentifier(claimed)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, rank := s.rules.schemes.Scheme(typ); rank < len(s.rules.schemes.Schemes) && !isClaimed {
		return ThreadNode("w", name)
	}
	if isClaimed {
		typ = ClaimedPrefix + typ
	}
	return identity.Node{Anchor: identity.AnchorOf("w", typ, value), Type: typ, Value: value}
}

func (s *scenario) person(name string) identity.PersonID {
	return s.follower.personOf(s.node(name).Anchor)
}

// belongs is whose conversations get a touchpoint: that of the share which moved last, else that of its anchor.
func (s *scenario) belongs(id string) identity.PersonID {
	t, ok := s.told[id]
	if !ok {
		s.t.Fatalf("no touchpoint %s in the story", id)
	}
	person, version := s.follower.personOf(t.node.Anchor), uint64(0)
	for _, thread := range t.threads {
		m, ok := s.follower[identity.ParticipationOf(t.node.Anchor, ThreadNode("w", thread).Anchor)]
		if ok && m.Version > version {
			person, version = m.Person, m.Version
		}
	}
	return person
}

// What a stitcher leaves out, it gave before, with evidence as early; so it is after it has made more room, too.
func TestStitcherLeavesOutWhatIsKnown(t *testing.T) {
	r := DefaultRules()
	s, plain := NewStitcher(r), NewResolver("w", r)
	given, offset := 0, int64(0)
	const n = 3 * fewRecent
	for round := range 3 {
		for i := range n {
			id := touchpoint.Identifier{Type: "customer_id", Value: fmt.Sprint("C", i), Verified: true}
			tp := touchpoint.Touchpoint{ID: fmt.Sprint(round, "-", i), Time: int64(1000 - round), Identifiers: []touchpoint.Identifier{id}, Thread: []string{fmt.Sprint("session:", i)}}
			key := touchpoint.KeyOf("w", tp.ID)
			e := touchpoint.Envelope{Workspace: "w", ID: tp.ID, Time: tp.Time, Anchor: r.AnchorOf("w", key, &tp).Anchor}
			for _, again := range []int64{0, 0, 10} { // the same once more, and later
				e.Time = tp.Time + again
				links, err := s.Links(&e, key, &tp, nil)
				if err != nil {
					t.Fatal(err)
				}
				for j := range links {
					plain.Apply(offset, 0, &links[j], &Outcome{})
					offset++
				}
				given += len(links)
			}
		}
	}
	// Each round is earlier than the one before, and so is news once; a few more are forgotten.
	if given < 3*n || given > 2*3*n {
		t.Errorf("%d links, want %d and some", given, 3*n)
	}
	for i := range uint32(n) {
		if got := plain.threads.at(i).first; got[1] != 998 {
			t.Fatalf("thread %d is owned since %v, want 998", i, got)
		}
	}
}
