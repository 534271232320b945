package identity

import (
	"errors"
	"strings"
)

// blocklist matches values that mean nobody in particular: exact ones and mailboxes by a set, other patterns one by one.
type blocklist struct {
	exact     map[string]bool
	mailboxes map[string]string // "info@" -> "info@*", of which there are many
	patterns  []pattern
}

// pattern is text in which * stands for any text, the empty one too.
type pattern struct {
	text  string
	parts []string // between the stars
}

// compile returns the index of the entry that is wrong.
func (b *blocklist) compile(entries []string) (int, error) {
	b.exact, b.mailboxes, b.patterns = map[string]bool{}, map[string]string{}, nil
	for i, entry := range entries {
		entry = strings.ToLower(entry)
		switch parts := strings.Split(entry, "*"); {
		case strings.Trim(entry, "* ") == "":
			return i, errors.New("would block everything, or nothing")
		case len(parts) == 1:
			b.exact[entry] = true
		case len(parts) == 2 && parts[1] == "" && strings.IndexByte(entry, '@') == len(entry)-2:
			b.mailboxes[parts[0]] = entry
		default:
			b.patterns = append(b.patterns, pattern{entry, parts})
		}
	}
	return 0, nil
}

// match returns the entry that blocks the value, which is in lower case, or "".
func (b *blocklist) match(value string) string {
	if b.exact[value] {
		return value
	}
	if at := strings.IndexByte(value, '@'); at >= 0 {
		if entry := b.mailboxes[value[:at+1]]; entry != "" {
			return entry
		}
	}
	for i := range b.patterns {
		if b.patterns[i].match(value) {
			return b.patterns[i].text
		}
	}
	return ""
}

func (p *pattern) match(value string) bool {
	last := len(p.parts) - 1
	rest, ok := strings.CutPrefix(value, p.parts[0])
	if !ok {
		return false
	}
	for _, part := range p.parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, p.parts[last])
}
