package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	fast "github.com/segmentio/encoding/json"
)

// Append writes the record's touchpoint as one line of JSON, without a line feed, to the end of dst. It returns dst
// unchanged when the mapping leaves the record out, of which Skipped then says why, with a *Refused when the record
// cannot become a touchpoint, and with ErrStateFull, after which the run is of no more use.
func (r *Run) Append(dst []byte, rec Record) ([]byte, error) {
	r.look(rec)
	r.skipped = ""
	r.seq++
	keep, err := r.holds(r.m.when)
	if err != nil {
		return dst, refuse("when", err)
	}
	if !keep {
		r.skipped = "its condition (when) does not hold"
		return dst, nil
	}
	for i := range r.m.skips {
		s := &r.m.skips[i]
		no, err := r.holds(s.when)
		if err != nil {
			return dst, refuse("skip["+strconv.Itoa(i)+"].when", err)
		}
		if no {
			r.skipped = s.because
			return dst, nil
		}
	}
	f, err := r.fields()
	if err != nil {
		return dst, err
	}
	w := writer{b: append(dst, '{'), run: r}
	r.write(&w, f)
	if w.err != nil {
		return dst, w.err
	}
	return append(w.b, '}'), nil
}

// Skipped says why the last record was left out; it is empty when it was not.
func (r *Run) Skipped() string { return r.skipped }

// fields are those of the first case that holds.
func (r *Run) fields() (*fields, error) {
	for i := range r.m.cases {
		c := &r.m.cases[i]
		ok, err := r.holds(c.when)
		if err != nil {
			return nil, refuse("cases["+strconv.Itoa(i)+"].when", err)
		}
		if ok {
			return &c.fields, nil
		}
	}
	return nil, &Refused{Field: "cases", Reason: "it is none of the cases that the mapping knows"}
}

func (r *Run) write(w *writer, f *fields) {
	w.text("id", &f.id)
	w.time(&f.time)
	w.text("channel", &f.channel)
	w.text("direction", &f.direction)
	w.text("kind", &f.kind)
	w.open("actor", '{')
	w.under("actor.", "type", &f.actorType)
	w.under("actor.", "id", &f.actorID)
	w.under("actor.", "name", &f.actorName)
	w.close('}')
	w.identifiers(f.identifiers)
	w.threads(f.threads)
	w.text("subject", &f.subject)
	w.text("text", &f.text)
	w.text("language", &f.language)
	w.text("topic", &f.topic)
	w.text("team", &f.team)
	w.tags(f.tags)
	w.text("account", &f.account)
	w.text("source", &f.source)
	w.rating(f)
	w.properties(&f.properties)
}

// writer appends the fields of one touchpoint; after the first error it does nothing more.
type writer struct {
	b   []byte
	run *Run
	err error
}

func (w *writer) fail(field string, err error) {
	if w.err == nil {
		w.err = refuse(field, err)
	}
}

// refuse makes a *Refused of what is wrong with a record, and leaves alone what ends the run.
func refuse(field string, err error) error {
	if errors.Is(err, ErrStateFull) {
		return err
	}
	return &Refused{Field: field, Reason: err.Error()}
}

// comma parts what follows from what is there.
func (w *writer) comma() {
	switch w.b[len(w.b)-1] {
	case '{', '[':
	default:
		w.b = append(w.b, ',')
	}
}

func (w *writer) open(key string, bracket byte) {
	w.key(key)
	w.b = append(w.b, bracket)
}

func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

// key writes the name of a field of touchpoints, in which there is nothing to escape.
func (w *writer) key(key string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, key...)
	w.b = append(w.b, '"', ':')
}

// foreign writes the name of a property.
func (w *writer) foreign(key string) {
	w.comma()
	w.b = fast.AppendEscape(w.b, key, 0)
	w.b = append(w.b, ':')
}

// text writes a text field, or nothing when there is nothing.
func (w *writer) text(name string, v *value) { w.under("", name, v) }

func (w *writer) under(prefix, name string, v *value) {
	if w.err != nil || !v.set {
		return
	}
	s, err := w.run.text(v)
	if err != nil {
		w.fail(prefix+name, err)
		return
	}
	if s == "" {
		return
	}
	w.key(name)
	w.string(prefix, name, s)
}

// string writes the text of a field, whose name is in two parts because it is wanted only where something is wrong.
func (w *writer) string(prefix, name, s string) {
	if !utf8.ValidString(s) {
		w.fail(prefix+name, errors.New("is not UTF-8"))
		return
	}
	w.b = fast.AppendEscape(w.b, s, 0)
}

func (w *writer) time(v *value) {
	if w.err != nil || !v.set {
		return
	}
	ms, err := w.run.time(v)
	if err != nil {
		w.fail("time", err)
		return
	}
	w.key("time")
	w.b = strconv.AppendInt(w.b, ms, 10)
}

func (w *writer) identifiers(ids []identifier) {
	start := len(w.b)
	w.open("identifiers", '[')
	empty := len(w.b)
	for i := range ids {
		id, field := &ids[i], "identifiers["+strconv.Itoa(i)+"]."
		typ, value, ok := w.pair(field, "type", id.when, &id.typ, &id.value)
		if !ok {
			continue
		}
		w.comma()
		w.b = append(w.b, '{')
		w.key("type")
		w.string(field, "type", typ)
		w.key("value")
		w.string(field, "value", value)
		if id.verified != nil {
			w.key("verified")
			w.b = strconv.AppendBool(w.b, *id.verified)
		}
		w.close('}')
	}
	w.closeUnlessEmpty(start, empty)
}

// threads writes the list; a value that is a list gives a thread for each of its members.
func (w *writer) threads(threads []thread) {
	start := len(w.b)
	w.open("thread", '[')
	empty := len(w.b)
	for i := range threads {
		t, field := &threads[i], "thread["+strconv.Itoa(i)+"]."
		if w.err != nil {
			return
		}
		holds, err := w.run.holds(t.when)
		if err != nil {
			w.fail(field+"when", err)
			return
		}
		if !holds {
			continue
		}
		scheme, err := w.run.text(&t.scheme)
		if err != nil {
			w.fail(field+"scheme", err)
			return
		}
		values, err := w.run.texts(&t.value)
		if err != nil {
			w.fail(field+"value", err)
			return
		}
		for _, value := range values {
			if scheme != "" {
				w.comma()
				w.string(field, "value", scheme+":"+value)
			}
		}
	}
	w.closeUnlessEmpty(start, empty)
}

// pair evaluates the two parts of an entry; it is left out when the condition does not hold or a part is missing.
func (w *writer) pair(field, name string, when *expression, a, b *value) (x, y string, ok bool) {
	if w.err != nil {
		return
	}
	holds, err := w.run.holds(when)
	if err != nil {
		w.fail(field+"when", err)
		return
	}
	if !holds {
		return
	}
	if x, err = w.run.text(a); err != nil {
		w.fail(field+name, err)
		return
	}
	if y, err = w.run.text(b); err != nil {
		w.fail(field+"value", err)
		return
	}
	return x, y, x != "" && y != ""
}

func (w *writer) closeUnlessEmpty(start, empty int) {
	if len(w.b) == empty {
		w.b = w.b[:start]
		return
	}
	w.close(']')
}

// tags writes the list; a value that is a list gives all its members.
func (w *writer) tags(tags []value) {
	start := len(w.b)
	w.open("tags", '[')
	empty := len(w.b)
	for i := range tags {
		if w.err != nil {
			return
		}
		field := "tags[" + strconv.Itoa(i) + "]"
		values, err := w.run.texts(&tags[i])
		if err != nil {
			w.fail(field, err)
			return
		}
		for _, value := range values {
			w.comma()
			w.string(field, "", value)
		}
	}
	w.closeUnlessEmpty(start, empty)
}

// rating writes the rating when there is a value.
func (w *writer) rating(f *fields) {
	if w.err != nil || !f.ratingVal.set {
		return
	}
	scale, value, ok := w.pair("rating.", "scale", nil, &f.ratingScale, &f.ratingVal)
	if !ok || w.err != nil {
		return
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		w.fail("rating.value", fmt.Errorf("%q is not a number", clip(value)))
		return
	}
	w.open("rating", '{')
	w.key("scale")
	w.string("rating.", "scale", scale)
	w.key("value")
	w.b = strconv.AppendFloat(w.b, n, 'f', -1, 64)
	w.close('}')
}

// properties writes the columns that are kept, those that are missing left out.
func (w *writer) properties(p *properties) {
	if w.err != nil || !p.set {
		return
	}
	start := len(w.b)
	w.open("properties", '{')
	empty := len(w.b)
	if p.untaken != nil {
		w.untaken(p.untaken, p.added)
	}
	names := p.names
	if p.all {
		names = w.run.rec.Names()
	}
	for _, name := range names {
		if !p.omit[name] {
			w.property(name, w.run.column(name))
		}
	}
	for i := range p.added {
		a := &p.added[i]
		out, err := w.run.eval(&a.value)
		if err != nil {
			w.fail("properties."+a.name, err)
			return
		}
		w.property(a.name, out)
	}
	if len(w.b) == empty {
		w.b = w.b[:start]
		return
	}
	w.close('}')
}

func (w *writer) property(name string, v any) {
	if v == nil || w.err != nil {
		return
	}
	if !utf8.ValidString(name) {
		w.fail("properties", errors.New("the name of a column is not UTF-8"))
		return
	}
	w.foreign(name)
	if s, ok := v.(string); ok {
		w.string("properties.", name, s)
		return
	}
	b, err := json.Marshal(v) // keys of objects sorted: one record, one touchpoint
	if err != nil {
		w.fail("properties."+name, err)
		return
	}
	w.b = append(w.b, b...)
}
