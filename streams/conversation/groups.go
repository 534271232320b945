package conversation

import (
	"cmp"
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
)

// groups are the stories and bundles of a person; scratch of regroup. Threads are numbered by their place in threads.
type groups struct {
	mails   []mail   // by name
	threads []uint32 // sorted
	leads   []uint32 // the threads that lead each stub to others, one stub after the other
	begin   []uint32 // where those of each stub begin, and the last end
	claims  []claim
	parent  []uint32 // union-find: of apart threads among each other, and of ties among each other
	apart   []bool
	bridge  []uint32 // of the root of a bundle: an apart thread of its story, or none
	conv    []uint32 // of the root of a story, or of a bundle without: where it was placed, or none
	held    []held
}

// mail is the place of the first mail of a name.
type mail struct {
	name, at uint32
}

// held is a silent stub of a group in which nobody has spoken before it.
type held struct {
	at, group uint32
}

func (g *groups) build(h *Homes, p *person) {
	g.findMails(h, p)
	g.read(h, p)
	g.parent, g.apart, g.bridge, g.conv = g.parent[:0], g.apart[:0], g.bridge[:0], g.conv[:0]
	for i, n := range g.threads {
		g.parent = append(g.parent, uint32(i))
		g.apart = append(g.apart, h.scheme(n).apart)
		g.bridge = append(g.bridge, none)
		g.conv = append(g.conv, none)
	}
	for i := range p.stubs {
		story, bundle := none, none
		for _, n := range g.leadsOf(i) {
			last := &bundle
			if g.apart[n] {
				last = &story
			}
			if *last != none {
				g.join(n, *last)
			}
			*last = n
		}
	}
	for _, c := range g.claims {
		g.join(c.reply, c.to)
	}
	// Only now that the bundles are complete can the first stub that carries a tie of one and an apart thread be told.
	for i := range p.stubs {
		story, bundle := none, none
		for _, n := range g.leadsOf(i) {
			if g.apart[n] {
				story = n
			} else {
				bundle = g.find(n)
			}
		}
		if story != none && bundle != none && g.bridge[bundle] == none {
			g.bridge[bundle] = story
		}
	}
}

// findMails notes which mail of p has which name.
func (g *groups) findMails(h *Homes, p *person) {
	g.mails = g.mails[:0]
	for i := range p.stubs {
		if s := &p.stubs[i]; h.isMail(s) {
			if name := h.nameOf(s); name != 0 {
				g.mails = append(g.mails, mail{name, uint32(i)})
			}
		}
	}
	slices.SortFunc(g.mails, func(a, b mail) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.at, b.at)) })
	g.mails = slices.CompactFunc(g.mails, func(a, b mail) bool { return a.name == b.name })
}

// firstMail is the place of the mail that has the name.
func (g *groups) firstMail(name uint32) (at uint32, found bool) {
	i, found := slices.BinarySearchFunc(g.mails, name, func(m mail, name uint32) int { return cmp.Compare(m.name, name) })
	if !found {
		return none, false
	}
	return g.mails[i].at, true
}

func (g *groups) hasMail(name uint32) bool {
	_, found := g.firstMail(name)
	return found
}

// read notes what leads each stub to others, and what mails claim of others.
func (g *groups) read(h *Homes, p *person) {
	g.leads, g.begin, g.claims = g.leads[:0], g.begin[:0], g.claims[:0]
	for i := range p.stubs {
		s := &p.stubs[i]
		g.begin = append(g.begin, uint32(len(g.leads)))
		if !h.isMail(s) {
			g.leads = append(g.leads, h.threadsOf(s)...)
			continue
		}
		name := h.nameOf(s)
		if first, named := g.firstMail(name); named && first != uint32(i) {
			name = h.thread(conversation.Thread{Anchor: s.key}) // nobody else knows it
		}
		g.leads, g.claims = h.appendReplies(g.leads, g.claims, s, name, g.hasMail)
	}
	g.begin = append(g.begin, uint32(len(g.leads)))
	g.threads = append(g.threads[:0], g.leads...)
	for _, c := range g.claims {
		g.threads = append(g.threads, c.reply, c.to)
	}
	slices.Sort(g.threads)
	g.threads = slices.Compact(g.threads)
	for i, n := range g.leads {
		g.leads[i] = g.number(n)
	}
	for i, c := range g.claims {
		g.claims[i] = claim{g.number(c.reply), g.number(c.to)}
	}
}

func (g *groups) leadsOf(stub int) []uint32 { return g.leads[g.begin[stub]:g.begin[stub+1]] }

func (g *groups) number(thread uint32) uint32 {
	i, _ := slices.BinarySearch(g.threads, thread)
	return uint32(i)
}

func (g *groups) join(a, b uint32) { g.parent[g.find(a)] = g.find(b) }

func (g *groups) find(n uint32) uint32 {
	for g.parent[n] != n {
		g.parent[n] = g.parent[g.parent[n]]
		n = g.parent[n]
	}
	return n
}

// root is the story that the thread is part of, else its bundle.
func (g *groups) root(n uint32) uint32 {
	root := g.find(n)
	if bridge := g.bridge[root]; bridge != none {
		return g.find(bridge)
	}
	return root
}

// of returns the group of the stub at the place, none if it has no thread, and whether the group is a story.
func (g *groups) of(stub int) (group uint32, story bool) {
	threads := g.leadsOf(stub)
	if len(threads) == 0 {
		return none, false
	}
	n := threads[0]
	for _, other := range threads[1:] {
		if g.apart[other] && !g.apart[n] {
			n = other
		}
	}
	group = g.root(n)
	return group, g.apart[group]
}
