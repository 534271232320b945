package touchpoint

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/throughline/throughline/schemas/registry"
)

// validate checks every field of what was parsed, in the order of the documentation.
func validate(t *Touchpoint, s *said, o *Options) *FieldError {
	if s.has(fieldID) {
		if err := validateID(t.ID); err != nil {
			return err
		}
	}
	if err := validateTime(t, s, o); err != nil {
		return err
	}
	if _, ok := o.Registry.Channel(t.Channel); !ok {
		return unknownChannel(t.Channel, s.has(fieldChannel), o.Registry)
	}
	switch t.Direction {
	case Inbound, Outbound, Internal:
	default:
		return oneOf("direction", string(t.Direction), s.has(fieldDirection), "inbound", "outbound", "internal")
	}
	if !dotted(t.Kind) {
		if !s.has(fieldKind) {
			return refuse("kind", "missing; say what happened, such as message or call.started")
		}
		return refuse("kind", "%q is not dotted lower case such as message or call.started", shorten(t.Kind))
	}
	if err := atMost("kind", t.Kind, MaxKind); err != nil {
		return err
	}
	if err := validateActor(&t.Actor, s.has(fieldActor)); err != nil {
		return err
	}
	if len(t.Identifiers) == 0 && len(t.Thread) == 0 {
		return refuse("identifiers", "neither an identifier nor a thread; give at least one, so that the customer can be found")
	}
	for i := range t.Identifiers {
		if err := validateIdentifier(&t.Identifiers[i], i); err != nil {
			return err
		}
	}
	for i, thread := range t.Thread {
		if err := validateThread(thread, i); err != nil {
			return err
		}
	}
	return validateOptional(t, s)
}

func validateID(id string) *FieldError {
	if id == "" {
		return refuse("id", "empty; leave it out to have one made")
	}
	if err := atMost("id", id, MaxID); err != nil {
		return err
	}
	for _, r := range id {
		if !unicode.IsPrint(r) {
			return refuse("id", "%q cannot be printed; use letters, digits and signs", r)
		}
	}
	return nil
}

func validateActor(a *Actor, there bool) *FieldError {
	switch a.Type {
	case Customer, Agent, Bot, System:
	default:
		return oneOf("actor.type", string(a.Type), there && a.Type != "", "customer", "agent", "bot", "system")
	}
	if err := atMost("actor.id", a.ID, MaxLabel); err != nil {
		return err
	}
	return atMost("actor.name", a.Name, MaxLabel)
}

func validateIdentifier(id *Identifier, i int) *FieldError {
	if !isName(id.Type) {
		return refuse(element("identifiers", i)+".type",
			"%q is not an identifier type such as email, phone or customer_id: lower-case letters, digits, _ and -", shorten(id.Type))
	}
	switch {
	case id.Type == "thread" || id.Type == "touchpoint":
		// Anchors of threads and of touchpoints are made with these types: an identifier must not be able to forge one.
		return refuse(element("identifiers", i)+".type", "%s is a reserved word; a thread belongs into thread", id.Type)
	case len(id.Type) > MaxName:
		return refuse(element("identifiers", i)+".type", "%d characters, at most %d", len(id.Type), MaxName)
	case strings.TrimSpace(id.Value) == "":
		return refuse(element("identifiers", i)+".value", "missing or empty; leave the identifier out when there is none")
	case len(id.Value) > MaxValue:
		return atMost(element("identifiers", i)+".value", id.Value, MaxValue)
	}
	return nil
}

func validateThread(thread string, i int) *FieldError {
	scheme, value, ok := strings.Cut(thread, ":")
	switch {
	case !ok || !isName(scheme) || strings.TrimSpace(value) == "":
		return refuse(element("thread", i), "%q is not scheme:value such as ticket:INC0001 or session:7f3a", shorten(thread))
	case len(scheme) > MaxName:
		return refuse(element("thread", i), "a scheme of %d characters, at most %d", len(scheme), MaxName)
	case len(thread) > MaxThread:
		return atMost(element("thread", i), thread, MaxThread)
	}
	return nil
}

func validateOptional(t *Touchpoint, s *said) *FieldError {
	for i, tag := range t.Tags {
		if tag == "" {
			return refuse(element("tags", i), "empty; leave it out")
		}
		if len(tag) > MaxTag {
			if err := atMost(element("tags", i), tag, MaxTag); err != nil {
				return err
			}
		}
	}
	if t.Language != "" && !isLanguage(t.Language) {
		return refuse("language", "%q is not a language tag (BCP 47) such as de or en-GB", shorten(t.Language))
	}
	for _, f := range [...]struct {
		name, text string
		most       int
	}{
		{"subject", t.Subject, MaxSubject}, {"topic", t.Topic, MaxLabel}, {"team", t.Team, MaxLabel},
		{"account", t.Account, MaxLabel}, {"source", t.Source, MaxLabel},
	} {
		if len(f.text) > f.most {
			if err := atMost(f.name, f.text, f.most); err != nil {
				return err
			}
		}
	}
	if t.Rating != nil && (!isName(t.Rating.Scale) || len(t.Rating.Scale) > MaxName) {
		return refuse("rating.scale", "%q is not the name of a scale such as csat, nps or ces", shorten(t.Rating.Scale))
	}
	if len(t.Properties) > MaxProperties {
		return refuse("properties", "%d bytes, at most %d", len(t.Properties), MaxProperties)
	}
	return nil
}

// atMost refuses a text of more than most characters.
func atMost(field, text string, most int) *FieldError {
	if len(text) <= most {
		return nil
	}
	if n := utf8.RuneCountInString(text); n > most {
		return refuse(field, "%d characters, at most %d", n, most)
	}
	return nil
}

func oneOf(field, got string, there bool, known ...string) *FieldError {
	if !there {
		return refuse(field, "missing; want one of %s", strings.Join(known, ", "))
	}
	return refuse(field, "%q is not one of %s", shorten(got), strings.Join(known, ", "))
}

func unknownChannel(name string, there bool, r *registry.Registry) *FieldError {
	names := make([]string, len(r.Channels))
	for i, c := range r.Channels {
		names[i] = c.Name
	}
	if !there {
		return refuse("channel", "missing; want one of %s", strings.Join(names, ", "))
	}
	return refuse("channel", "unknown channel %q%s Known are %s", shorten(name), didYouMean(name, names), strings.Join(names, ", "))
}

// dotted tells whether s is words of lower-case letters, digits and _ with dots between; the first starts with a letter.
func dotted(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '.' {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b-'0' <= 9, b == '_':
		case b == '.' && s[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// isName tells whether s is lower-case letters, digits, _ and -, starting with a letter.
func isName(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b-'0' <= 9, b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}

// isLanguage tells whether s looks like a language tag: RFC 5646's shape, not its register.
func isLanguage(s string) bool {
	if len(s) > MaxLanguage {
		return false
	}
	for i, part := range strings.Split(s, "-") {
		if len(part) < 1 || len(part) > 8 || (i == 0 && len(part) < 2) {
			return false
		}
		for j := range len(part) {
			b := part[j]
			if letter := b|0x20 >= 'a' && b|0x20 <= 'z'; !letter && (i == 0 || b-'0' > 9) {
				return false
			}
		}
	}
	return true
}

// shorten keeps what is quoted in a reason readable.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	for i := range s {
		if i > most {
			return fmt.Sprintf("%s... (%d bytes)", s[:i], len(s))
		}
	}
	return s
}

// didYouMean ends a sentence by asking about the name that may have been meant: one that at most a third of the letters part from what was said.
func didYouMean(got string, names []string) string {
	best, least := "", 1<<30
	got = strings.ToLower(shorten(got))
	for _, name := range names {
		if d := edits(got, name); d < least {
			best, least = name, d
		}
	}
	if 3*least > max(len(got), 3) {
		return "."
	}
	return "; did you mean " + best + "?"
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
