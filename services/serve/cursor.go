package serve

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/throughline/throughline/schemas/identity"
)

// cursor is a place in an ordered list: behind the row with this order value and, among equals, this id. It names a
// row and not a count of rows, so that rows that come or go meanwhile shift nothing.
type cursor struct {
	list  byte  // which list and order it belongs to
	order int64 // of the last row
	id    identity.Anchor
}

// The lists that have pages.
const (
	timelineList byte = iota + 1
	newestList
	oldestList
	waitingList
	conversationList
	deadLetterList
	suggestionList
	refusalList
	sharedList
	accountList
	accountTimeline
	receiptPages
	dueList
)

const cursorSize = 1 + 8 + 16

// String is opaque to clients.
func (c cursor) String() string {
	b := make([]byte, 0, cursorSize)
	b = append(b, c.list)
	b = binary.BigEndian.AppendUint64(b, uint64(c.order))
	b = append(b, c.id[:]...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads what String wrote, for the same list.
func parseCursor(s string, list byte) (c cursor, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != cursorSize || b[0] != list {
		return c, &fieldError{"cursor", "is not a cursor of this list in this order; take it from next"}
	}
	c.list = b[0]
	c.order = int64(binary.BigEndian.Uint64(b[1:]))
	copy(c.id[:], b[9:])
	return c, nil
}

// cursor reads the parameter; nil when absent.
func (q *query) cursor(list byte) *cursor {
	v := q.text("cursor")
	if len(q.values["cursor"]) == 0 {
		return nil
	}
	c, err := parseCursor(v, list)
	if err != nil {
		q.err = first(q.err, err.(*fieldError))
		return nil
	}
	return &c
}

func first(a, b *fieldError) *fieldError {
	if a != nil {
		return a
	}
	return b
}
