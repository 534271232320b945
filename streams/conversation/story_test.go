package conversation

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// The stories in testdata are told in plain words:
//
//	== a title
//	day 1 09:00  mail   customer message email  ticket:1
//	day 1 11:00  reply  agent:t.klein message email  ticket:1 team=billing
//	becomes
//	mail: mail reply | waiting_for_customer, first response 2h, longest wait 2h
//
// A line before "becomes" is a touchpoint: when, its name, who did what by which channel, the threads it carries and its
// labels (team=, rating=csat:4, and for= a customer whom an agent's touchpoint concerns). Who: a customer (inbound), an agent, a bot or a system (outbound), or with "inbound", "outbound" or "internal"
// behind it in that direction. "customer:ben" is another customer than Anna, and "ben moves to anna" says that the
// two are one; "ben in ticket:1 moves to anna" that his part in that thread is hers.
//
// After it stand all conversations: the name of the first touchpoint, all touchpoints, and what was measured. Whatever
// the line does not mention is zero or absent, but for contacts, which need not be mentioned when there is none or
// one. Every story is told four times: in order, backwards, from the middle, and with everything twice.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		for i, story := range readStories(t, file) {
			name := fmt.Sprintf("%s/%d %s", strings.TrimSuffix(filepath.Base(file), ".txt"), i+1, story.title)
			t.Run(name, func(t *testing.T) {
				story.check(t, "in order", story.told)
				backwards := slices.Clone(story.told)
				slices.Reverse(backwards)
				story.check(t, "backwards", backwards)
				middle := len(story.told) / 2
				story.check(t, "from the middle", slices.Concat(story.told[middle:], story.told[:middle]))
				story.check(t, "twice", slices.Concat(story.told, story.told))
			})
		}
	}
}

type story struct {
	title string
	told  []conversation.Message
	moves []conversation.Message
	names map[touchpoint.Key]string
	want  []string
}

func readStories(t *testing.T, file string) (stories []*story) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s *story
	becomes := false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		at := fmt.Sprintf("%s:%d", file, n)
		switch {
		case strings.HasPrefix(line, "== "):
			s, becomes = &story{title: line[3:], names: map[touchpoint.Key]string{}}, false
			stories = append(stories, s)
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "becomes":
			becomes = true
		case becomes:
			s.want = append(s.want, normal(line))
		case strings.Contains(line, " moves to "):
			s.move(t, at, line)
		default:
			s.tell(t, at, line)
		}
	}
	return stories
}

func normal(line string) string { return strings.Join(strings.Fields(line), " ") }

func customerNamed(name string) identity.Anchor {
	return identity.AnchorOf("default", "email", name+"@example.com")
}

func threadNamed(name string) conversation.Thread {
	scheme, _, _ := strings.Cut(name, ":")
	return conversation.Thread{Scheme: scheme, Anchor: identity.AnchorOf("default", identity.ThreadType, name)}
}

func (s *story) move(t *testing.T, at, line string) {
	who, whom, _ := strings.Cut(line, " moves to ")
	who, in, takesPart := strings.Cut(who, " in ")
	m := &conversation.Moved{
		Workspace: "default", Home: customerNamed(who), Anchor: customerNamed(who), Person: customerNamed(whom), Version: uint64(len(s.moves) + 1),
	}
	if takesPart {
		m.Thread = threadNamed(in).Anchor
		m.Anchor = identity.ParticipationOf(m.Home, m.Thread)
	}
	s.moves = append(s.moves, conversation.Message{Moved: m})
}

func (s *story) tell(t *testing.T, at, line string) {
	words := strings.Fields(line)
	if len(words) < 7 || words[0] != "day" {
		t.Fatalf("%s: want 'day N HH:MM name who kind channel ...', got %q", at, line)
	}
	var day, hours, minutes int64
	if _, err := fmt.Sscanf(words[1]+" "+words[2], "%d %d:%d", &day, &hours, &minutes); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	stub := conversation.Stub{
		Workspace: "default", Key: touchpoint.KeyOf("default", words[3]), Anchor: customerNamed("anna"),
		Time: start + ((day-1)*24+hours)*hour + minutes*hour/60,
	}
	s.names[stub.Key] = words[3]
	who, rest := words[4], words[5:]
	who, other, named := strings.Cut(who, ":")
	if named && touchpoint.ActorType(who) == touchpoint.Customer {
		stub.Anchor = customerNamed(other)
	} else if named {
		stub.ActorID = other
	}
	stub.Actor, stub.Direction = touchpoint.ActorType(who), touchpoint.Outbound
	if stub.Actor == touchpoint.Customer {
		stub.Direction = touchpoint.Inbound
	}
	switch d := touchpoint.Direction(rest[0]); d {
	case touchpoint.Inbound, touchpoint.Outbound, touchpoint.Internal:
		stub.Direction, rest = d, rest[1:]
	}
	stub.Kind, stub.Channel = rest[0], rest[1]
	for _, word := range rest[2:] {
		key, value, label := strings.Cut(word, "=")
		switch {
		case !label:
			stub.Threads = append(stub.Threads, threadNamed(word))
		case key == "team":
			stub.Team = value
		case key == "topic":
			stub.Topic = value
		case key == "for":
			stub.Anchor = customerNamed(value)
		case key == "rating":
			scale, score, _ := strings.Cut(value, ":")
			stub.Rating = &touchpoint.Rating{Scale: scale}
			fmt.Sscan(score, &stub.Rating.Value)
		default:
			t.Fatalf("%s: what is %q?", at, word)
		}
	}
	s.told = append(s.told, conversation.Message{Stub: &stub})
}

func (s *story) check(t *testing.T, order string, told []conversation.Message) {
	t.Helper()
	h, out := NewHomes(registry.Default(), 0), collect()
	for i := range told {
		h.Apply(&told[i])
		h.Flush(out)
	}
	for i := range s.moves {
		h.Apply(&s.moves[i])
		h.Flush(out)
	}
	for len(out.messages) > 0 {
		m := out.messages[0].Message
		out.messages = out.messages[1:]
		h.Apply(&m)
		h.Flush(out)
	}
	if out.clash != "" {
		t.Fatal(out.clash)
	}
	in := map[conversation.ID][]conversation.Member{}
	var members []conversation.Member
	for _, m := range out.members {
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b conversation.Member) int {
		at := func(m conversation.Member) place {
			return place{time: m.Stub.Time, key: m.Stub.Key, turn: TurnOf(registry.Default().EffectOf(m.Stub.Kind), m.Stub.Direction)}
		}
		return at(a).compare(at(b))
	})
	for _, m := range members {
		in[m.Conversation] = append(in[m.Conversation], m)
	}
	var got []string
	for _, row := range out.live() {
		got = append(got, s.describe(&row, in[row.ID]))
	}
	want := slices.Clone(s.want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told %s\n got\n  %s\nwant\n  %s", order, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func (s *story) describe(row *conversation.Conversation, members []conversation.Member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", s.names[row.ID])
	for _, m := range members {
		fmt.Fprintf(&b, " %s", s.names[m.Stub.Key])
	}
	fmt.Fprintf(&b, " | %s", row.State)
	span := func(what string, ms int64) {
		fmt.Fprintf(&b, ", %s %s", what, strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace((time.Duration(ms) * time.Millisecond).String()))
	}
	instant := func(what string, ms int64) {
		at := time.UnixMilli(ms - start)
		fmt.Fprintf(&b, ", %s day %d %s", what, at.Unix()/86400+1, at.UTC().Format("15:04"))
	}
	if row.WaitingSince != 0 {
		instant("since", row.WaitingSince)
	}
	if row.FirstResponse != nil {
		span("first response", *row.FirstResponse)
	}
	if row.FirstBotResponse != nil {
		span("first bot response", *row.FirstBotResponse)
	}
	for _, later := range row.LaterResponses {
		span("later response", later)
	}
	if row.LongestWait != 0 {
		span("longest wait", row.LongestWait)
	}
	if row.Resolution != nil {
		span("resolved after", *row.Resolution)
	}
	count := func(what string, n uint32) {
		if n > 0 {
			fmt.Fprintf(&b, ", %s %d", what, n)
		}
	}
	if row.Contacts > 1 {
		count("contacts", row.Contacts)
	}
	count("reopenings", row.Reopenings)
	count("hand-overs", row.HandOvers)
	count("channel switches", row.ChannelSwitches)
	all := uint32(0)
	for _, n := range row.ChannelContacts {
		all += n
	}
	for i, n := range row.ChannelContacts {
		if all > row.Contacts { // something went on by another channel, or we began it
			count("by "+row.Channels[i], n)
		}
	}
	if row.Calls > 0 {
		span("calls", row.Calls)
	}
	if row.Topic != "" && row.NextContact != 0 {
		instant("next contact", row.NextContact)
	}
	for _, r := range row.Ratings {
		fmt.Fprintf(&b, ", %s %v", r.Scale, r.Value)
	}
	return b.String()
}
