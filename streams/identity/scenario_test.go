package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// scenario plays a story from testdata. A line is a touchpoint,
//
//	ID at HH:MM [in THREAD...] [with VERIFIED...] [claiming CLAIMED...]
//
// or says what must hold after those above it:
//
//	one person: A B C        the identifiers, threads or touchpoints have one person
//	apart: A B C             no two of them have
//	named: A                 the person of A has the anchor of A for its id
//	ID belongs to A          the conversations of A's person get the touchpoint
//	refused: A B because R   the link was refused by the rule R; "refused: nothing" says that none was, suggestions aside
//	suggested: A B           the link was claimed
//	refusals: N              so many were recorded, with suggestions
type scenario struct {
	t        *testing.T
	rules    *Rules
	stitcher *Stitcher
	resolver *Resolver
	follower follower
	refusals []identity.Edge
	offset   int64
	told     map[string]told
}

// told is a touchpoint of the story.
type told struct {
	anchor  identity.Anchor
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
			s := scenario{t: t, rules: r, stitcher: NewStitcher(r), resolver: NewResolver("w", r), follower: follower{}, told: map[string]told{}}
			for i, line := range strings.Split(string(text), "\n") {
				if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				if wrong := s.line(line); wrong != "" {
					t.Errorf("%s:%d: %s\n\t%s", file, i+1, line, wrong)
				}
			}
			s.resolver.checkBooks(t)
		})
	}
}

func (s *scenario) line(line string) (wrong string) {
	verb, rest, isVerb := strings.Cut(line, ": ")
	words := strings.Fields(rest)
	if id, owner, ok := strings.Cut(line, " belongs to "); ok {
		if got, want := s.belongs(id), s.person(owner); got != want {
			return fmt.Sprintf("it belongs to %s, not to %s", got, want)
		}
		return ""
	}
	switch {
	case isVerb && verb == "one person":
		for _, name := range words {
			if s.person(name) != s.person(words[0]) {
				return name + " is somebody else"
			}
		}
	case isVerb && verb == "apart":
		for i, name := range words {
			for _, other := range words[:i] {
				if s.person(name) == s.person(other) {
					return name + " and " + other + " are one person"
				}
			}
		}
	case isVerb && verb == "named":
		if s.person(rest) != s.anchor(rest) {
			return "the person has another name"
		}
	case isVerb && verb == "refused" && rest == "nothing":
		for _, r := range s.refusals {
			if r.Kind != identity.LinkClaimed {
				return fmt.Sprintf("but %s: %s", r.Rule, r.Detail)
			}
		}
	case isVerb && verb == "refused":
		link, rule, _ := strings.Cut(rest, " because ")
		if !s.has(link, func(r identity.Edge) bool { return r.Rule == rule && r.Kind != identity.LinkClaimed }) {
			return fmt.Sprintf("refused were %+v", s.refusals)
		}
	case isVerb && verb == "suggested":
		if !s.has(rest, func(r identity.Edge) bool { return r.Kind == identity.LinkClaimed }) {
			return fmt.Sprintf("recorded were %+v", s.refusals)
		}
	case isVerb && verb == "refusals":
		if rest != fmt.Sprint(len(s.refusals)) {
			return fmt.Sprintf("recorded were %+v", s.refusals)
		}
	default:
		return s.touchpoint(strings.Fields(line))
	}
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
	e := touchpoint.Envelope{Workspace: "w", ID: t.ID, Time: t.Time, Anchor: s.rules.AnchorOf("w", key, &t).Anchor}
	if verdict := s.stitcher.Judge(touchpoint.FingerprintOf(key, e.Content)); verdict != touchpoint.New {
		return "the touchpoint is not new"
	}
	links, err := s.stitcher.Links(&e, key, &t, nil)
	if err != nil {
		return err.Error()
	}
	for i := range links {
		var out Outcome
		s.resolver.Apply(s.offset, 0, &links[i], &out)
		s.offset++
		s.follower.take(s.t, out.Moves)
		s.refusals = append(s.refusals, out.Edges...)
	}
	s.told[t.ID] = told{e.Anchor, t.Thread}
	return ""
}

// anchor reads an identifier, a thread (of a scheme that the registry knows) or a touchpoint of the story.
func (s *scenario) anchor(name string) identity.Anchor {
	if t, ok := s.told[name]; ok {
		return t.anchor
	}
	claimed, isClaimed := strings.CutPrefix(name, ClaimedPrefix)
	typ, value, err := ParseIdentifier(claimed)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, rank := s.rules.schemes.Scheme(typ); rank < len(s.rules.schemes.Schemes) && !isClaimed {
		return ThreadNode("w", name).Anchor
	}
	if isClaimed {
		typ = ClaimedPrefix + typ
	}
	return identity.AnchorOf("w", typ, value)
}

func (s *scenario) person(name string) identity.PersonID { return s.follower.personOf(s.anchor(name)) }

// belongs is whose conversations get a touchpoint: that of the share which moved last, else that of its anchor.
func (s *scenario) belongs(id string) identity.PersonID {
	t, ok := s.told[id]
	if !ok {
		s.t.Fatalf("no touchpoint %s in the story", id)
	}
	person, version := s.follower.personOf(t.anchor), uint64(0)
	for _, thread := range t.threads {
		m, ok := s.follower[identity.ParticipationOf(t.anchor, ThreadNode("w", thread).Anchor)]
		if ok && m.Version > version {
			person, version = m.Person, m.Version
		}
	}
	return person
}

func (s *scenario) has(link string, match func(identity.Edge) bool) bool {
	ends := strings.Fields(link)
	return slices.ContainsFunc(s.refusals, func(r identity.Edge) bool {
		return r.A.Anchor == s.anchor(ends[0]) && r.B.Anchor == s.anchor(ends[1]) && match(r)
	})
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
		if got := plain.threads.at(i).time; got != 998 {
			t.Fatalf("thread %d is owned since %d, want 998", i, got)
		}
	}
}
