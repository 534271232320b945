package mailtext

import "strings"

// maxIDLength is the longest Message-ID that is taken for one: RFC 5322 ends lines at 998.
const maxIDLength = 998

// MessageIDs reads the ids of a field (RFC 5322, 3.6.4) in angle brackets, at most so many, and passes over everything between them, as broken mailers
// write names and quotes there. White space within an id comes from folding and is no part of it.
func MessageIDs(value string, most int) (ids []string) {
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
			if id := CleanID(rest[:end]); id != "" {
				ids = append(ids, id)
			}
			end++
		}
		value = rest[end:]
	}
	return ids
}

// CleanID is the id in angle brackets, or "" for what can be none.
func CleanID(id string) string {
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
