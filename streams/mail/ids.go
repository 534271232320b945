package mail

import (
	"slices"
	"strings"
)

// maxIDLength is the longest Message-ID that is taken for one: RFC 5322 ends lines at 998.
const maxIDLength = 998

// messageIDs reads the ids of a field (RFC 5322, 3.6.4), and passes over everything between them, as broken mailers
// write names and quotes there. White space within an id comes from folding and is no part of it.
func messageIDs(value string, most int) (ids []string) {
	for len(ids) < most {
		_, rest, ok := strings.Cut(value, "<")
		if !ok {
			return ids
		}
		// An id that was never closed ends where the next begins.
		end := strings.IndexAny(rest, "<>")
		if end < 0 {
			return ids
		}
		if rest[end] == '>' {
			if id := cleanID(rest[:end]); id != "" {
				ids = append(ids, id)
			}
			end++
		}
		value = rest[end:]
	}
	return ids
}

// cleanID is the id in angle brackets, or "" for what can be none.
func cleanID(id string) string {
	id = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(id, "\ufffd"))
	if id == "" || id == "@" || len(id) > maxIDLength {
		return ""
	}
	return "<" + id + ">"
}

func (m *Mail) messageID() string {
	value := m.head.Get("Message-Id")
	if ids := messageIDs(value, 1); len(ids) > 0 {
		return ids[0]
	}
	value = strings.Trim(strings.TrimSpace(value), "<>") // without brackets, or with one: seen of scripts
	if strings.ContainsAny(value, "<> \t") || !strings.Contains(value, "@") {
		return ""
	}
	return cleanID(value)
}

// ancestors are the ids of References, or the first of In-Reply-To where References has none (RFC 5256, THREAD=REFERENCES).
// The mail's own id is none of them, and each is named once, where it stands last.
func (m *Mail) ancestors() []string {
	const most = 1000
	ids := messageIDs(m.head.Get("References"), most)
	if len(ids) == 0 {
		ids = messageIDs(m.head.Get("In-Reply-To"), 1)
	}
	out := ids[:0]
	for i, id := range ids {
		if id != m.ID && !slices.Contains(ids[i+1:], id) {
			out = append(out, id)
		}
	}
	return out
}
