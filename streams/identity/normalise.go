package identity

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// MaxValue is the length of an identifier's value in bytes: more than any address, less than an essay.
const MaxValue = 512

// normaliser makes one text out of all that mean the same customer. Normalising twice changes nothing.
type normaliser func(string) (string, error)

// normalisersOf are the normalisers by the names that rules give them.
func normalisersOf(p *phones, a addresses) map[string]normaliser {
	return map[string]normaliser{
		"plain": plain, "lower": lower, "email": a.normalise, "phone": p.normalise, "handle": handle, "uuid": uuid,
	}
}

// Normalise returns the identifier with its type and value in the one form that is hashed into anchors. What is blocked
// (such as the phone number "anonymous") need not be a value of its type: it is kept as it is, and points at nobody. Errors
// are for the customer of the API and name no field.
func (r *Rules) Normalise(id touchpoint.Identifier) (touchpoint.Identifier, error) {
	id.Type = strings.ToLower(strings.TrimSpace(id.Type))
	if err := checkType(id.Type); err != nil {
		return id, fmt.Errorf("type: %w", err)
	}
	value, err := plain(id.Value)
	if err != nil {
		return id, err
	}
	i, listed := r.types[id.Type]
	if !listed {
		id.Value = value
		return id, nil
	}
	normal, err := r.Types[i].normalise(value)
	same := err == nil && strings.EqualFold(normal, value) // then one is blocked if the other is
	if !same && r.BlockedBy(id.Type, value) != "" && (err != nil || r.BlockedBy(id.Type, normal) == "") {
		normal, err = lower(value) // blocked as it was written, it stays blocked
	}
	if err != nil {
		return id, err
	}
	id.Value = normal
	return id, nil
}

// ParseIdentifier reads "type:value", as in queries and files: "email:anna@example.com". It does not normalise.
func ParseIdentifier(s string) (typ, value string, err error) {
	typ, value, ok := strings.Cut(s, ":")
	if !ok || typ == "" || value == "" {
		return "", "", fmt.Errorf("%q: want type:value, such as email:anna@example.com", s)
	}
	return typ, value, nil
}

// plain trims and composes (Unicode NFC): for values whose every character counts.
func plain(s string) (string, error) {
	if len(s) > MaxValue {
		return "", fmt.Errorf("want at most %d bytes, got %d", MaxValue, len(s))
	}
	ascii := true
	for _, c := range s {
		switch {
		case c == utf8.RuneError:
			return "", errors.New("not valid UTF-8")
		case unicode.IsControl(c):
			return "", errors.New("has a control character")
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if !ascii {
		s = norm.NFC.String(s)
	}
	if s = strings.TrimSpace(s); s == "" {
		return "", errors.New("is empty")
	}
	if len(s) > MaxValue {
		return "", fmt.Errorf("want at most %d bytes, got %d", MaxValue, len(s))
	}
	return s, nil
}

// lower is plain without regard to case.
func lower(s string) (string, error) {
	s, err := plain(s)
	if err != nil {
		return "", err
	}
	return plain(fold(s))
}

// fold makes texts equal that differ in case only. It lowers and does not fold fully: that would take Strasse and Straße
// for one, and joining two customers is worse than keeping one apart.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return norm.NFC.String(strings.ToLower(s))
}

// handle is a name on a network, with or without its @, in any case.
func handle(s string) (string, error) {
	s, err := lower(s)
	if err != nil {
		return "", err
	}
	return plain(strings.TrimLeft(s, "@ "))
}

// uuid is 32 hexadecimal digits, with or without hyphens and braces, as 8-4-4-4-12 in lower case (RFC 9562).
func uuid(s string) (string, error) {
	out := make([]byte, 0, 36)
	for _, c := range []byte(strings.TrimPrefix(strings.ToLower(s), "urn:uuid:")) {
		switch {
		case c == '-' || c == '{' || c == '}':
			continue
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
		default:
			return "", errors.New("not a UUID: want 32 hexadecimal digits")
		}
		if n := len(out); n == 8 || n == 13 || n == 18 || n == 23 {
			out = append(out, '-')
		}
		out = append(out, c)
	}
	if len(out) != 36 {
		return "", errors.New("not a UUID: want 32 hexadecimal digits")
	}
	return string(out), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
