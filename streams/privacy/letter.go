package privacy

import (
	"strings"

	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Letter is what is kept of the bytes of a refused touchpoint: of JSON, be it a touchpoint, a CloudEvent around one or a list of them,
// the same without what the rules are about; of what is no JSON, the same without numbers, and nothing at all where a workspace has
// rules about fields, since nobody can tell which bytes are whose. The result may be data itself.
func (p *Policy) Letter(data []byte, normalise Normaliser) []byte {
	c := strictjson.NewCursor(data)
	if c.Skip(); c.Err() == nil {
		c.End()
	}
	if c.Err() != nil {
		if len(p.ruled) > 0 {
			return nil
		}
		masked, found := maskNumbers(string(data), p.all)
		if found == 0 {
			return data
		}
		return []byte(masked)
	}
	w := newWalker(p, data, func(string, string) {})
	w.normalise = normalise
	if w.value(p.letter, scope{}); !w.changed {
		return data
	}
	return w.out
}

// Reason is what is kept of a reason, which may quote the value that was refused.
func (p *Policy) Reason(field, reason string) string {
	for _, ruled := range p.ruled {
		if within(field, ruled) || within(ruled, field) || strings.HasPrefix(ruled, "identifiers.") && within(field, "identifiers") {
			return "the value is not right; why is not kept, because privacy rules are about this field"
		}
	}
	masked, _ := maskNumbers(reason, p.all)
	return masked
}

// within tells whether a field is another or within it.
func within(field, other string) bool {
	rest, ok := strings.CutPrefix(field, other)
	return ok && other != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// letterTree is what is done with a touchpoint as it comes from outside, when it is not known to be one. What has no name that a touchpoint
// knows may be anything misspelt.
func (p *Policy) letterTree() *node {
	unknown := &node{find: p.all}
	if len(p.ruled) > 0 {
		unknown.do = Mask
	}
	scalar := func(field string) *node {
		return &node{path: field, do: p.fields[field], find: p.find[field], finds: field, flat: unknown}
	}
	// A number where a word out of a list belongs is in the wrong place, and that is why the touchpoint was refused.
	word := &node{find: p.all, flat: unknown}
	root := &node{members: map[string]*node{}, unknown: unknown}
	// The attributes of CloudEvents are among them.
	for _, field := range []string{"id", "time", "thread", "subject", "text", "topic", "team", "tags", "account", "source"} {
		root.members[field] = scalar(field)
	}
	for _, field := range []string{"channel", "direction", "kind", "language", "type", "specversion", "datacontenttype", "dataschema"} {
		root.members[field] = word
	}
	root.members["actor"] = &node{members: map[string]*node{"type": word, "id": scalar("actor.id"), "name": scalar("actor.name")}, unknown: unknown}
	root.members["rating"] = &node{members: map[string]*node{"scale": word, "value": word}, unknown: unknown}
	root.members["identifiers"] = &node{identifiers: true, unknown: unknown}
	root.members["properties"] = p.tree
	root.members["data"] = root
	root.members["data_base64"] = &node{base64: true}
	return root
}

// identifier rewrites an element of identifiers. One whose type cannot be read may be of any.
func (w *walker) identifier() {
	raw := w.c.Skip()
	if w.c.Err() != nil {
		return
	}
	var typ, value string
	c := strictjson.NewCursor(raw)
	for c.Open('{'); c.More('}'); {
		switch name := c.Key(); {
		case name == "type" && c.Peek() == '"':
			typ = c.String()
		case name == "value" && c.Peek() == '"':
			value = c.String()
		default:
			c.Skip()
		}
	}
	members := map[string]*node{"type": {}, "verified": {}, "value": {}}
	do := w.p.types[typ]
	if typ == "" && len(w.p.types) > 0 {
		do = Drop
	}
	switch do {
	case Drop:
		members["value"] = &node{path: identifierField(typ), do: Drop}
	case Hash:
		if value != "" && w.normalise != nil {
			if plain, err := w.normalise(touchpoint.Identifier{Type: typ, Value: value}); err == nil {
				value = plain.Value
			}
		}
		members["value"] = &node{path: identifierField(typ), do: Hash, instead: w.p.hash(identifierField(typ), value)}
	}
	in := newWalker(w.p, raw, w.noted)
	in.object(&node{members: members, unknown: w.p.letter.unknown}, scope{})
	w.out = append(w.out, in.out...)
	w.changed = w.changed || in.changed
}
