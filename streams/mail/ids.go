package mail

import (
	"slices"
	"strings"

	"github.com/throughline/throughline/streams/mailtext"
)

func (m *Mail) messageID() string {
	value := m.head.Get("Message-Id")
	if ids := mailtext.MessageIDs(value, 1); len(ids) > 0 {
		return ids[0]
	}
	value = strings.Trim(strings.TrimSpace(value), "<>") // without brackets, or with one: seen of scripts
	if strings.ContainsAny(value, "<> \t") || !strings.Contains(value, "@") {
		return ""
	}
	return mailtext.CleanID(value)
}

// ancestors are the ids of References, or the first of In-Reply-To where References has none (RFC 5256, THREAD=REFERENCES).
// The mail's own id is none of them, and each is named once, where it stands last.
func (m *Mail) ancestors() []string {
	const most = 1000
	ids := mailtext.MessageIDs(m.head.Get("References"), most)
	if len(ids) == 0 {
		ids = mailtext.MessageIDs(m.head.Get("In-Reply-To"), 1)
	}
	out := ids[:0]
	for i, id := range ids {
		if id != m.ID && !slices.Contains(ids[i+1:], id) {
			out = append(out, id)
		}
	}
	return out
}
