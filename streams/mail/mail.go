package mail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-message"
)

// Errors of Parse.
var (
	ErrTooLarge = errors.New("mail: over the limit of size")
	ErrNoMail   = errors.New("mail: no head: these bytes are no mail")
)

// Mail is what is read out of a mail's bytes.
type Mail struct {
	ID         string   // Message-ID in angle brackets; empty when there is none that can be used
	References []string // ancestors, the eldest first; see doc.go
	From       []Address
	ReplyTo    []Address
	To, Cc     []Address
	Bcc        []Address
	Subject    string
	Date       time.Time // zero when the head has no date that can be read
	Delivered  time.Time // not read, to be set by who knows it: the line above a mail in an mbox says so

	Text        string // all of it, with \n between lines
	Attachments []Attachment
	Calendar    *Calendar // of the first calendar part
	Report      *Report   // of delivery or of reading, where the mail is one

	// Defects says what was broken, or cut off by a limit. A mail with defects is a mail all the same.
	Defects []string

	head     message.Header
	received time.Time // the eldest of the Received fields, which copies of the mail have in common
	hops     int
}

// Attachment is a file that came with a mail; its bytes are not kept.
type Attachment struct {
	Name   string `json:"name,omitempty"`
	Type   string `json:"type"`
	Size   int    `json:"size"`   // bytes, decoded
	SHA256 string `json:"sha256"` // hexadecimal
	Inline bool   `json:"inline,omitempty"`
}

// Parse reads a mail. It fails with ErrTooLarge or ErrNoMail only: what is broken is read as far as it goes.
func Parse(data []byte, l Limits) (*Mail, error) {
	if len(data) > l.Size {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), l.Size)
	}
	// Copies of a mail differ in how lines end.
	data = bytes.ReplaceAll(data, crlf, newline)
	m := &Mail{}
	p := parser{mail: m, limits: l}
	head, body := p.head(data)
	if head.Len() == 0 {
		return nil, ErrNoMail
	}
	m.head = head
	m.ID = m.messageID()
	m.References = m.ancestors()
	m.From, m.ReplyTo = p.addresses("From"), p.addresses("Reply-To")
	m.To, m.Cc, m.Bcc = p.addresses("To"), p.addresses("Cc"), p.addresses("Bcc")
	m.Subject = p.text("Subject")
	m.readTimes()
	p.whole(head, body)
	m.Text = p.body()
	return m, nil
}

func (m *Mail) readTimes() {
	if t, err := parseDate(m.head.Get("Date")); err == nil {
		m.Date = t
	}
	received := m.head.Values("Received")
	m.hops = len(received)
	for i := len(received) - 1; i >= 0 && i >= len(received)-5; i-- {
		v := received[i]
		if t, err := parseDate(v[strings.LastIndexByte(v, ';')+1:]); err == nil {
			m.received = t
			return
		}
	}
}

func (m *Mail) defect(format string, args ...any) {
	const most = 20
	if len(m.Defects) < most {
		m.Defects = append(m.Defects, fmt.Sprintf(format, args...))
	}
}

// field is a field of the head without the space around it.
func (m *Mail) field(name string) string { return strings.TrimSpace(m.head.Get(name)) }

var (
	crlf    = []byte("\r\n")
	newline = []byte("\n")
)
