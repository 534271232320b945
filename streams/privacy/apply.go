package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// text is what is done with one field that is a text.
type text struct {
	field string
	do    Action
	find  numbers
}

func (x text) of(t *touchpoint.Touchpoint) *string {
	switch x.field {
	case "subject":
		return &t.Subject
	case "text":
		return &t.Text
	case "topic":
		return &t.Topic
	case "team":
		return &t.Team
	case "account":
		return &t.Account
	case "actor.id":
		return &t.Actor.ID
	}
	return &t.Actor.Name
}

// Normaliser writes an identifier as it is known.
type Normaliser = func(touchpoint.Identifier) (touchpoint.Identifier, error)

// Apply takes out of a touchpoint what must not be kept, and notes which rule changed which field. An identifier that is dropped
// is left with an empty value. normalise, which may be nil, is the workspace's: identifiers are hashed as they are known. The error is
// that of an identifier that does not normalise, or of properties that hashes made too long.
func (p *Policy) Apply(t *touchpoint.Touchpoint, normalise Normaliser) *touchpoint.FieldError {
	noted := func(rule, field string) {
		t.Annotate(touchpoint.Note{About: touchpoint.AboutPrivacy, Rule: rule, Field: field})
	}
	for _, x := range p.texts {
		if to := x.of(t); *to != "" {
			*to = p.value(x.field, x.do, x.find, *to, noted)
		}
	}
	if do, find := p.fields["tags"], p.find["tags"]; do != "" || find != 0 {
		p.tags(t, do, find, noted)
	}
	if len(p.types) > 0 {
		if err := p.identifiers(t, normalise, noted); err != nil {
			return err
		}
	}
	if p.tree != nil && len(t.Properties) > 0 {
		w := newWalker(p, t.Properties, noted)
		if w.value(p.tree, scope{}); w.changed && w.c.Err() == nil {
			t.Properties = w.out
		}
		if len(t.Properties) > touchpoint.MaxProperties {
			return &touchpoint.FieldError{Field: "properties", Reason: fmt.Sprintf("%d bytes with what the privacy rules hash, at most %d", len(t.Properties), touchpoint.MaxProperties)}
		}
	}
	return nil
}

func (p *Policy) tags(t *touchpoint.Touchpoint, do Action, find numbers, noted func(rule, field string)) {
	kept := make([]string, 0, len(t.Tags))
	for _, tag := range t.Tags {
		if tag = p.value("tags", do, find, tag, noted); tag != "" {
			kept = append(kept, tag)
		}
	}
	t.Tags = kept
}

func (p *Policy) identifiers(t *touchpoint.Touchpoint, normalise Normaliser, noted func(rule, field string)) *touchpoint.FieldError {
	for i := range t.Identifiers {
		id := &t.Identifiers[i]
		do := p.types[id.Type]
		if do == "" || isHash(id.Value) && do == Hash {
			continue
		}
		if do == Hash && normalise != nil {
			plain, err := normalise(*id)
			if err != nil {
				return &touchpoint.FieldError{Field: fmt.Sprintf("identifiers[%d].value", i), Reason: err.Error()}
			}
			id.Value = plain.Value
		}
		id.Value = p.value(identifierField(id.Type), do, 0, id.Value, noted)
	}
	return nil
}

func identifierField(typ string) string { return "identifiers." + typ }

// Identifier is a normalised identifier as it is kept: whoever looks for one must look for that. It is empty when the type is dropped.
func (p *Policy) Identifier(id touchpoint.Identifier) touchpoint.Identifier {
	if do := p.types[id.Type]; do != "" {
		id.Value = p.value(identifierField(id.Type), do, 0, id.Value, func(string, string) {})
	}
	return id
}

// Normalise is a workspace's normaliser that leaves alone what was hashed: a hash is no address, and no number of a phone.
func (p *Policy) Normalise(normalise Normaliser) Normaliser {
	if len(p.types) == 0 {
		return normalise
	}
	return func(id touchpoint.Identifier) (touchpoint.Identifier, error) {
		if p.types[id.Type] == Hash && isHash(id.Value) {
			return id, nil
		}
		return normalise(id)
	}
}

// value is what is kept of a text.
func (p *Policy) value(field string, do Action, find numbers, v string, noted func(rule, field string)) string {
	switch was := v; do {
	case Hash:
		if v = p.hash(field, v); v != was {
			noted(string(do), field)
		}
		return v
	case Mask:
		if v = stars(v); v != was {
			noted(string(do), field)
		}
		return v
	case Drop:
		noted(string(do), field)
		return ""
	}
	masked, found := maskNumbers(v, find)
	if found&cards != 0 {
		noted(Card, field)
	}
	if found&ibans != 0 {
		noted(IBAN, field)
	}
	return masked
}

// hashPrefix is in front of what was a value.
const hashPrefix = "hmac:"

// hash is the HMAC of a value: the same in all touchpoints of the workspace, another in every field and every workspace. Without
// a secret it would be no more than a riddle, and nothing is kept.
func (p *Policy) hash(field, v string) string {
	switch {
	case isHash(v):
		return v
	case len(p.secret) == 0:
		return ""
	}
	mac := hmac.New(sha256.New, p.secret)
	mac.Write([]byte(field))
	mac.Write([]byte{0})
	mac.Write([]byte(v))
	return hashPrefix + hex.EncodeToString(mac.Sum(nil)[:16])
}

func isHash(v string) bool {
	digits, ok := strings.CutPrefix(v, hashPrefix)
	return ok && len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == ""
}

// stars is a text with a star for each of its letters and digits.
func stars(v string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return '*'
		}
		return r
	}, v)
}
