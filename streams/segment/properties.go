package segment

import "bytes"

// appendProperties writes what the touchpoint has no field for: the message's properties or traits one by one, and beside them
// what the message says around them. Of two that have one name the outer keeps it, and the inner is called "properties." or
// "traits." and the name.
func (m *message) appendProperties(b []byte, s *sayings, textOf string, sent bool) []byte {
	w := writer{b: append(b, '{')}
	w.text("event", m.event)
	w.text("name", m.name)
	w.text("category", m.category)
	if sent {
		w.text("originalTimestamp", m.timestamp) // the touchpoint's is put right by the clock of the sender
	}
	w.text("channel", m.channel)
	for _, c := range m.context.campaign {
		w.named("campaign_", c)
		w.remember(member{name: "campaign_" + c.name, value: c.value})
	}
	w.object("context", m.context.raw)
	w.object("integrations", m.integrations)
	bag, other, prefix, otherName := m.properties, m.traits, "properties.", "traits"
	if m.call == Identify || m.call == Group {
		bag, other, prefix, otherName = m.traits, m.properties, "traits.", "properties"
	}
	w.object(otherName, other)
	for _, o := range m.others {
		w.member(o)
	}
	inside(bag, func(p member) {
		// What the touchpoint has a field for is not kept twice: privacy rules of that field would miss it here.
		if m.call == Identify && (p.name == "email" && !s.email.empty() || p.name == "phone" && !s.phone.empty()) || !s.words.empty() && p.name == textOf {
			return
		}
		w.inner(prefix, p)
	})
	return append(w.b, '}')
}

// writer writes members, and remembers those that came first: most messages have few, for which nothing is allocated.
type writer struct {
	b    []byte
	few  [8]member
	n    int // of few
	more []member
}

func (w *writer) remember(m member) {
	if w.n < len(w.few) {
		w.few[w.n] = m
		w.n++
		return
	}
	w.more = append(w.more, m)
}

// first finds the member of that name among those that came first.
func (w *writer) first(name string) (value []byte, ok bool) {
	for i := range w.n {
		if w.few[i].name == name {
			return w.few[i].value, true
		}
	}
	for i := range w.more {
		if w.more[i].name == name {
			return w.more[i].value, true
		}
	}
	return nil, false
}

func (w *writer) next() {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
}

func (w *writer) write(name string, value []byte) {
	w.next()
	w.b = append(append(append(w.b, '"'), name...), `":`...)
	w.b = append(w.b, value...)
	w.remember(member{name: name, value: value})
}

func (w *writer) text(name string, t text) {
	if !t.empty() {
		w.write(name, t.raw)
	}
}

// object writes an object that has members.
func (w *writer) object(name string, raw []byte) {
	if len(raw) > 0 && len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0 {
		w.write(name, raw)
	}
}

// named writes a member of an object under a name that says whose it is.
func (w *writer) named(prefix string, p member) {
	w.next()
	w.b = append(append(append(w.b, '"'), prefix...), p.raw[1:]...)
}

func (w *writer) member(p member) {
	w.next()
	w.b = append(w.b, p.raw...)
	w.remember(p)
}

func (w *writer) inner(prefix string, p member) {
	value, taken := w.first(p.name)
	switch {
	case !taken:
		w.next()
		w.b = append(w.b, p.raw...)
	case !bytes.Equal(value, p.value):
		w.named(prefix, p)
	}
}
