package mail

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	streams "github.com/throughline/throughline/streams/conversation"
)

// jwz is the algorithm of jwz.org/doc/threading.html as RFC 5256 has it (THREAD=REFERENCES), without the steps for subjects.
// It returns the thread of each mail. It is the twin that this package's threads are compared with.
func jwz(mails []*Mail) []int {
	parent := map[string]string{}
	there := map[string]bool{}
	above := func(a, b string) bool { // a is b or an ancestor of b
		for ; b != ""; b = parent[b] {
			if a == b {
				return true
			}
		}
		return false
	}
	names := make([]string, len(mails))
	for i, m := range mails {
		id := m.ID
		if id == "" || there[id] {
			id = fmt.Sprint("anonymous ", i) // of two mails with one id, the second is one without
		}
		names[i], there[id] = id, true
	}
	// Claims of others first, so that the order of mails does not matter for what a mail says of itself.
	for _, m := range mails {
		for i := 1; i < len(m.References); i++ {
			a, b := m.References[i-1], m.References[i]
			if parent[b] == "" && !above(b, a) {
				parent[b] = a
			}
		}
	}
	for i, m := range mails {
		parent[names[i]] = ""
		if n := len(m.References); n > 0 && !above(names[i], m.References[n-1]) {
			parent[names[i]] = m.References[n-1]
		}
	}
	root := map[string]int{}
	threads := make([]int, len(mails))
	for i := range mails {
		top := names[i]
		for parent[top] != "" {
			top = parent[top]
		}
		if _, known := root[top]; !known {
			root[top] = i
		}
		threads[i] = root[top]
	}
	return threads
}

// threads are the conversations that a person has who wrote these mails, a minute after each other: of each mail, the first in its.
func threads(tb rapid.TB, r *Rules, mails []*Mail) []int {
	var stubs []conversation.Stub
	at := map[touchpoint.Key]int{}
	for i, m := range mails {
		t, err := r.Touchpoint(m, &r.Workspaces[0], noon)
		if err != nil {
			tb.Fatal(err)
		}
		key := touchpoint.KeyOf("default", fmt.Sprint(i))
		at[key] = i
		t.Time, t.Kind, t.Direction = noon.Add(time.Duration(i)*time.Minute).UnixMilli(), "message", touchpoint.Inbound
		stubs = append(stubs, conversation.StubOf("default", key, reader, &t))
	}
	story := streams.Regroup(registry.Default(), 0, reader, stubs, nil)
	out := make([]int, len(mails))
	for _, keys := range story.Of {
		for _, key := range keys {
			out[at[key]] = at[keys[0]]
		}
	}
	return out
}

var reader = identity.AnchorOf("default", "email", "reader@b.example")

// TestThreadsAreJWZs: for mails that do not contradict each other, threads are those of JWZ, whatever is missing,
// shortened, doubled, looped or out of order.
func TestThreadsAreJWZs(t *testing.T) {
	rules := testRules(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "mails")
		// Not both: a list that leaves out an ancestor contradicts a mail that names nothing but that ancestor.
		shortens := rapid.Bool().Draw(t, "some shorten, none lose, their references")
		var chains [][]string // of each mail, from the root to itself
		for i := range n {
			own := fmt.Sprintf("<%d@test.example>", i)
			var chain []string
			if i > 0 && rapid.IntRange(0, 3).Draw(t, "answers") > 0 {
				chain = slices.Clone(chains[rapid.IntRange(0, i-1).Draw(t, "to")])
			}
			chains = append(chains, append(chain, own))
		}
		var mails []*Mail
		for i, chain := range chains {
			if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
				continue
			}
			refs := slices.Clone(chain[:len(chain)-1])
			if shortens && len(refs) > 4 && rapid.IntRange(0, 3).Draw(t, "shortened") == 0 {
				refs = append(refs[:1], refs[len(refs)-3:]...) // as RFC 5537, 3.4.4 allows
			}
			m := "From: a@b.example\nDate: Fri, 20 Nov 2026 10:00:00 +0000\nMessage-ID: " + chain[len(chain)-1] + "\n"
			switch {
			case len(refs) == 0:
			case !shortens && rapid.IntRange(0, 3).Draw(t, "only in-reply-to") == 0:
				m += "In-Reply-To: " + refs[len(refs)-1] + "\n"
			default:
				m += "References: " + strings.Join(refs, "\n ") + "\nIn-Reply-To: " + refs[len(refs)-1] + "\n"
			}
			if rapid.IntRange(0, 9).Draw(t, "names itself") == 0 {
				m = strings.Replace(m, "References: ", "References: "+chain[len(chain)-1]+" ", 1)
			}
			parsed, err := Parse([]byte(m+"\nbody "+fmt.Sprint(i)), rules.Limits)
			if err != nil {
				t.Fatal(err)
			}
			mails = append(mails, parsed)
		}
		if len(mails) == 0 {
			return
		}
		want := jwz(mails)
		if got := threads(t, rules, mails); !slices.Equal(got, want) {
			t.Fatalf("threads %v, JWZ has %v", got, want)
		}
		seed := rapid.Uint64().Draw(t, "order")
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(mails), func(i, j int) { mails[i], mails[j] = mails[j], mails[i] })
		if got, want := threads(t, rules, mails), jwz(mails); !slices.Equal(got, want) {
			t.Fatalf("shuffled: threads %v, JWZ has %v", got, want)
		}
	})
}

// agree tells whether what mails say of each other does not depend on whom one asks first: nobody is its own ancestor, and those
// that are missing reply to one. Where it does, JWZ believes the first that it happens to read.
func agree(mails []*Mail) bool {
	there := map[string]bool{}
	for _, m := range mails {
		there[m.ID] = true
	}
	parents := map[string][]string{}
	for _, m := range mails {
		for i, id := range append(slices.Clone(m.References), m.ID) {
			above := ""
			if i > 0 {
				above = m.References[i-1]
			}
			if !slices.Contains(parents[id], above) {
				parents[id] = append(parents[id], above)
			}
		}
	}
	var descends func(id, from string, within int) bool
	descends = func(id, from string, within int) bool {
		return within > 0 && slices.ContainsFunc(parents[id], func(p string) bool { return p == from || descends(p, from, within-1) })
	}
	for id, above := range parents {
		if !there[id] && len(above) > 1 || descends(id, id, len(parents)) {
			return false
		}
	}
	return true
}

// TestThreadsOfAnyMails: whatever mails say, loops and copies included, what JWZ joins is one thread here, and what it does not
// join is none, unless they contradict each other.
func TestThreadsOfAnyMails(t *testing.T) {
	rules := testRules(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"<a@b>", "<b@b>", "<c@b>", "<d@b>", "<e@b>", "<f@b>"})
		var mails []*Mail
		for i := range rapid.IntRange(1, 8).Draw(t, "mails") {
			refs := rapid.SliceOfN(name, 0, 4).Draw(t, "references")
			m := &Mail{ID: name.Draw(t, "id"), Text: fmt.Sprint(i)}
			for _, id := range refs {
				if id != m.ID && !slices.Contains(m.References, id) {
					m.References = append(m.References, id)
				}
			}
			mails = append(mails, m)
		}
		got, want := threads(t, rules, mails), jwz(mails)
		if agree(mails) && !slices.Equal(got, want) {
			t.Fatalf("threads %v, JWZ has %v", got, want)
		}
		for i := range want {
			if got[i] != got[want[i]] {
				t.Fatalf("mails %d and %d are one thread for JWZ (%v), here %v", i, want[i], want, got)
			}
		}
	})
}

// imaptest are the cases of Dovecot's imaptest: mails in, THREAD=REFERENCES out.
const imaptest = "../../../shared/data/imaptest-threading"

// TestIMAPTest compares with the answers of an IMAP server, as sets of messages. Cases 3 and 4 are decided by RFC 5256's
// rule for subjects, which this package does not have, and orderedsubject is another algorithm.
func TestIMAPTest(t *testing.T) {
	if _, err := os.Stat(imaptest); err != nil {
		t.Skipf("the cases are not there: %v", err)
	}
	rules := testRules(t)
	steps := []struct {
		file string
		in   []int  // of the mbox, from 1, in the order in which the server numbers them
		want string // of the messages as numbered by the server
	}{
		{file: "thread", in: []int{1, 2, 3}, want: "(3 2)(1)"},
		{file: "thread", in: []int{1, 3}, want: "(2)(1)"},
		{file: "thread", in: []int{2, 3}, want: "(2 1)"},
		{file: "thread2", in: []int{1, 2}, want: "(1)(2)"},
		{file: "thread5", in: []int{1, 2, 3, 4}, want: "(1 2 4 3)"},
		{file: "thread5", in: []int{3, 4}, want: "(1)(2)"},
		{file: "thread5", in: []int{3, 4, 5}, want: "(1)(2 3)"},
		{file: "thread6", in: []int{1, 2}, want: "(1 2)"},
		{file: "thread7", in: []int{1, 2, 3, 4}, want: "(1 2 3 4)"},
		{file: "thread7", in: []int{1, 3, 4}, want: "(1 3 2)"},
		{file: "thread8", in: []int{1, 2}, want: "(1 2)"},
		{file: "thread8", in: []int{1}, want: "(1)"},
		{file: "thread8", in: []int{1, 3}, want: "(1 2)"},
	}
	for _, s := range steps {
		t.Run(fmt.Sprint(s.file, " ", s.in), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(imaptest, s.file+".mbox"))
			if err != nil {
				t.Fatal(err)
			}
			all := bytes.Split(append([]byte("\n"), data...), []byte("\nFrom "))[1:]
			var mails []*Mail
			for _, i := range s.in {
				_, text, _ := bytes.Cut(all[i-1], newline)
				m, err := Parse(text, rules.Limits)
				if err != nil {
					t.Fatal(err)
				}
				mails = append(mails, m)
			}
			if got, want := setsOf(jwz(mails)), sets(s.want); !slices.Equal(got, want) {
				t.Errorf("the twin has %v, the server %v", got, want)
			}
			if got, want := setsOf(threads(t, rules, mails)), sets(s.want); !slices.Equal(got, want) {
				t.Errorf("threads are %v, the server has %v", got, want)
			}
		})
	}
}

// setsOf writes threads as "1 2", sorted.
func setsOf(threads []int) (out []string) {
	by := map[int][]string{}
	for i, t := range threads {
		by[t] = append(by[t], fmt.Sprint(i+1))
	}
	for _, members := range by {
		out = append(out, strings.Join(members, " "))
	}
	slices.Sort(out)
	return out
}

func sets(answer string) (out []string) {
	for group := range strings.SplitSeq(strings.Trim(answer, "()"), ")(") {
		members := strings.Fields(group)
		slices.Sort(members)
		out = append(out, strings.Join(members, " "))
	}
	slices.Sort(out)
	return out
}
