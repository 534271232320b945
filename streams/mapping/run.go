package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/expr-lang/expr/vm"
)

// Run evaluates a mapping over one sequence of records, in their order. It is not for use by several goroutines.
type Run struct {
	m    *Mapping
	zone *time.Location
	vm   vm.VM
	env  map[string]any
	row  map[string]any

	rec     Record
	seq     uint64 // of the current record, from 1
	sum     [16]byte
	sumOf   uint64 // the record that sum belongs to
	parsed  jsonBody
	root    item              // the whole of the body at hand
	items   []Record          // of a body without loops
	listed  []string          // of texts
	looked  uint64            // how many records were turned to
	known   map[string]uint64 // variable in env -> the record that it was looked up in
	skipped string            // why the current record is left out
	fatal   error             // of a function that was called in an expression

	first map[[16]byte]uint64 // values -> the record that had them first
	seen  map[[16]byte]seen   // values, or a record's hash -> how many there were
}

// seen says how many records had something.
type seen struct {
	count int
	last  uint64 // the last record that counted
}

// NewRun starts a run. A zone other than nil takes the place of the mapping's own.
func (m *Mapping) NewRun(zone *time.Location) *Run {
	r := &Run{m: m, zone: m.zone, row: map[string]any{}, known: map[string]uint64{}, first: map[[16]byte]uint64{}, seen: map[[16]byte]seen{}}
	if zone != nil {
		r.zone = zone
	}
	r.env = map[string]any{rowName: r.row, firstOf: r.firstOf, occurrence: r.occurrence, rowHash: r.rowHash}
	for name, f := range textFunctions {
		r.env[name] = f
	}
	return r
}

// look turns to a record: what expressions know of the one before is forgotten.
func (r *Run) look(rec Record) {
	r.rec = rec
	r.looked++
}

// variable is a column as expressions see it: nil when missing, numbers as numbers.
func (r *Run) variable(name string) any {
	return numbers(r.column(name))
}

// column is a column's value, nil when it is missing or carries a mark that means so.
func (r *Run) column(name string) any {
	v := r.rec.Column(name)
	if s, ok := v.(string); ok && r.m.missing[s] {
		return nil
	}
	return v
}

// eval is the value of a spec over the current record.
func (r *Run) eval(v *value) (any, error) {
	if !v.set {
		return nil, nil
	}
	if ok, err := r.holds(v.when); !ok {
		return nil, err
	}
	out := v.constant
	switch {
	case v.column != "":
		out = r.column(v.column)
	case v.expr != nil:
		var err error
		if out, err = r.run(v.expr); err != nil {
			return nil, err
		}
	}
	if out != nil && v.table != nil {
		key, err := asText(out)
		if err != nil {
			return nil, err
		}
		found, ok := v.table.Values[key]
		switch {
		case ok:
			out = found
		case v.table.Default != nil:
			out = *v.table.Default
		default:
			return nil, fmt.Errorf("%q is not in table %s, which has no default", clip(key), v.name)
		}
	}
	if s, ok := out.(string); out == nil || ok && s == "" {
		out = v.fallback
	}
	return out, nil
}

// text evaluates to a text; empty when there is nothing.
func (r *Run) text(v *value) (string, error) {
	if s, ok := r.quick(v); ok {
		return s.text, nil
	}
	out, err := r.eval(v)
	if err != nil || out == nil {
		return "", err
	}
	return asText(out)
}

// texts evaluates to the texts of a list, or to one; what is empty is left out. They are good until it is called again.
func (r *Run) texts(v *value) ([]string, error) {
	if r.listed = r.listed[:0]; cap(r.listed) > keepNodes {
		r.listed = nil
	}
	if s, ok := r.quick(v); ok {
		if s.text != "" {
			r.listed = append(r.listed, s.text)
		}
		return r.listed, nil
	}
	if r.quickList(v) {
		return r.listed, nil
	}
	out, err := r.eval(v)
	if err != nil || out == nil {
		return nil, err
	}
	list, ok := out.([]any)
	if texts, is := out.([]string); is { // what split makes
		for _, s := range texts {
			list = append(list, s)
		}
	} else if !ok {
		list = []any{out}
	}
	r.listed = r.listed[:0]
	for _, member := range list {
		s, err := asText(member)
		if err != nil {
			return nil, err
		}
		if s != "" {
			r.listed = append(r.listed, s)
		}
	}
	return r.listed, nil
}

// asText writes a scalar as text.
func asText(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case int:
		return strconv.Itoa(x), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case uint64:
		return strconv.FormatUint(x, 10), nil
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), nil
	case json.Number:
		return string(x), nil
	}
	return "", fmt.Errorf("want a text, a number or a boolean, got %T", v)
}

// firstOf is the function first_of. It says the same however often one record asks.
func (r *Run) firstOf(args ...any) (any, error) {
	k := hashOf(args)
	seq, ok := r.first[k]
	if !ok {
		if len(r.first) >= r.m.limit {
			r.fatal = ErrStateFull
			return nil, ErrStateFull
		}
		r.first[k] = r.seq
		return true, nil
	}
	return seq == r.seq, nil
}

func hashOf(values []any) (k [16]byte) {
	h := sha256.New()
	for _, v := range values {
		fmt.Fprintf(h, "%T %q;", v, fmt.Sprint(v))
	}
	copy(k[:], h.Sum(nil))
	return k
}

// occurrence is the function of that name: 0 for the first record with these values, or of equal records when there
// are none. It says the same however often one record asks.
func (r *Run) occurrence(args ...any) (any, error) {
	k := hashOf(args)
	if len(args) == 0 {
		var err error
		if k, err = r.hash(); err != nil {
			return nil, err
		}
	}
	s, ok := r.seen[k]
	if !ok && len(r.seen) >= r.m.limit {
		r.fatal = ErrStateFull
		return nil, ErrStateFull
	}
	if s.last != r.seq {
		s = seen{s.count + 1, r.seq}
		r.seen[k] = s
	}
	return s.count - 1, nil
}

// rowHash is the function row_hash.
func (r *Run) rowHash(args ...any) (any, error) {
	if len(args) > 0 {
		return nil, fmt.Errorf("it takes nothing, got %d arguments", len(args))
	}
	sum, err := r.hash()
	return hex.EncodeToString(sum[:12]), err
}

func (r *Run) hash() ([16]byte, error) {
	if r.sumOf != r.seq {
		sum, err := hash(r.rec)
		if err != nil {
			return sum, err
		}
		r.sum, r.sumOf = sum, r.seq
	}
	return r.sum, nil
}
