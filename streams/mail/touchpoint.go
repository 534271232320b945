package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/mailtext"
)

// Channel and Source of the touchpoints that mails become.
const (
	Channel = "email"
	Source  = "mail"
)

// Scheme of the threads that Message-IDs make.
const Scheme = "message-id"

// Bounds of what a touchpoint of a mail holds, well below those of a touchpoint, because JSON writes some characters
// with six bytes.
const (
	maxText    = 120 << 10 // bytes as JSON
	maxWhole   = 48 << 10  // bytes as JSON, of the text with what is quoted
	maxNumbers = 4         // reference numbers in one mail
	maxListed  = 20        // addresses, and attachments, that are listed in properties
)

// skew is how far a Date may lie from the time at which the first server had the mail before the server is believed.
const skew = 7 * 24 * time.Hour

// properties are what a touchpoint says of the mail beyond its own fields.
type properties struct {
	MessageID      string         `json:"message_id,omitempty"`
	From           []Address      `json:"from,omitempty"`
	ReplyTo        []Address      `json:"reply_to,omitempty"`
	To             []Address      `json:"to,omitempty"`
	Cc             []Address      `json:"cc,omitempty"`
	Bcc            []Address      `json:"bcc,omitempty"`
	Authentication Authentication `json:"authentication,omitempty"`
	Attachments    []Attachment   `json:"attachments,omitempty"`
	Calendar       *Calendar      `json:"calendar,omitempty"`
	Report         *reported      `json:"report,omitempty"`
	Whole          string         `json:"whole,omitempty"` // the text with quoted history and signature, where it differs
	Cut            []string       `json:"cut,omitempty"`   // what is not complete: text, whole, attachments, ...
	Defects        []string       `json:"defects,omitempty"`
}

type reported struct {
	Action    string `json:"action,omitempty"`
	Status    string `json:"status,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	Original  string `json:"original,omitempty"`
}

// Touchpoint is what the mail is in the workspace. now stands in for a date where the mail has
// none at all, or one that is yet to come.
func (r *Rules) Touchpoint(m *Mail, w *Workspace, now time.Time) (touchpoint.Touchpoint, error) {
	auth := m.authentication(r.Authserv)
	t := touchpoint.Touchpoint{
		Time: m.time(now), Channel: Channel, Source: Source, Kind: m.kind(w), Subject: clip(m.Subject, touchpoint.MaxSubject),
	}
	p := properties{
		MessageID: m.ID, From: m.From, ReplyTo: m.ReplyTo, To: m.To, Cc: m.Cc, Bcc: m.Bcc, Authentication: auth,
		Attachments: m.Attachments, Calendar: m.Calendar, Defects: m.Defects,
	}
	p.shorten()
	preview := mailtext.Fresh(m.Text)
	p.text(&t, preview, m.Text)
	r.parties(m, &t, w, auth)
	if m.Report != nil && t.Kind != KindForged {
		p.Report = r.reported(m, &t, w)
	}
	t.ID = m.touchpointID()
	m.threads(&t, w, preview)
	t.Team = m.team(w)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // ids and addresses are full of < and >
	if err := e.Encode(p); err != nil {
		return t, fmt.Errorf("mail: properties: %w", err)
	}
	t.Properties = bytes.TrimSpace(b.Bytes())
	return t, nil
}

// time is the mail's Date, unless that is far from what the first server that had it says; copies have both in common.
func (m *Mail) time(now time.Time) int64 {
	t := m.Date
	if !m.received.IsZero() && (t.IsZero() || t.Before(m.received.Add(-skew)) || t.After(m.received.Add(skew))) {
		t = m.received
	}
	if t.IsZero() {
		t = m.Delivered
	}
	if t.UnixMilli() < 0 || t.After(now.Add(touchpoint.MaxAhead)) { // the zero time is before 1970, too
		t = now
	}
	return t.UnixMilli()
}

// touchpointID is the same for every copy of the mail; see doc.go.
func (m *Mail) touchpointID() string {
	h := sha256.New()
	for _, a := range m.From {
		fmt.Fprintf(h, "%s\n", strings.ToLower(a.Address))
	}
	fmt.Fprintf(h, "\n%d\n", m.Date.Unix())
	if m.ID == "" {
		for _, part := range []string{m.Subject, m.Text} {
			fmt.Fprintf(h, "%d %s", len(part), part)
		}
		for _, list := range [][]Address{m.To, m.Cc} {
			for _, a := range list {
				fmt.Fprintf(h, "%s\n", strings.ToLower(a.Address))
			}
		}
		for _, a := range m.Attachments {
			fmt.Fprintf(h, "%s", a.SHA256)
		}
		return "mail:" + hex.EncodeToString(h.Sum(nil)[:16])
	}
	mark := hex.EncodeToString(h.Sum(nil)[:6])
	if id := "mail:" + m.ID[1:len(m.ID)-1] + "#" + mark; len(id) <= touchpoint.MaxID && isPlain(id) {
		return id
	}
	sum := sha256.Sum256([]byte(m.ID))
	return "mail:" + hex.EncodeToString(sum[:16]) + "#" + mark
}

// isPlain tells whether a text has visible ASCII characters only.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// threads are the mail's own id, then what it replies to, the nearest first: that is the order in which conversations read
// them. Where there are too many, those before the eldest are left out (RFC 5537, 3.4.4). A mail that nobody sent from here,
// though it says so, is in a thread of its own.
func (m *Mail) threads(t *touchpoint.Touchpoint, w *Workspace, preview string) {
	own := m.ID
	if own == "" {
		own = "<" + t.ID + ">" // nobody can answer to it, but it must be found
	}
	t.Thread = append(t.Thread, threadOf(own))
	if t.Kind == KindForged {
		return
	}
	add := func(thread string) {
		if len(t.Thread) < touchpoint.MaxThreads && !slices.Contains(t.Thread, thread) {
			t.Thread = append(t.Thread, thread)
		}
	}
	for _, number := range w.numbers(m.Subject, preview) {
		add(number)
	}
	if m.Report != nil && m.Report.OriginalID != "" {
		add(threadOf(m.Report.OriginalID))
	}
	for i, id := range slices.Backward(m.References) {
		if i > 0 && len(t.Thread) == touchpoint.MaxThreads-1 {
			id = m.References[0]
		}
		add(threadOf(id))
	}
}

// threadOf is the thread of a Message-ID.
func threadOf(id string) string {
	if len(id) > touchpoint.MaxThread-len(Scheme)-1 || utf8.RuneCountInString(id) != len(id) {
		sum := sha256.Sum256([]byte(id))
		id = "<" + hex.EncodeToString(sum[:]) + ">"
	}
	return Scheme + ":" + id
}

// numbers are the threads that the workspace's patterns find in subject and text, in the order of the patterns.
func (w *Workspace) numbers(texts ...string) (threads []string) {
	for _, ref := range w.References {
		for _, text := range texts {
			for _, found := range ref.Pattern.FindAllStringSubmatch(text, maxNumbers) {
				number := strings.TrimSpace(found[len(found)-1])
				thread := ref.Scheme + ":" + number
				if number != "" && len(thread) <= 200 && !slices.Contains(threads, thread) && len(threads) < maxNumbers {
					threads = append(threads, thread)
				}
			}
		}
	}
	return threads
}

// team is the team of the first recipient, or else sender, that has one.
func (m *Mail) team(w *Workspace) string {
	for _, list := range [][]Address{m.To, m.Cc, m.From} {
		for _, a := range list {
			for _, mailbox := range mailboxes(a.Address) {
				if team := w.Teams[mailbox]; team != "" {
					return team
				}
			}
		}
	}
	return ""
}

// reported tells of the mail that a report is about: whom it did not reach is the customer. Anybody can write a
// report, so it only suggests.
func (r *Rules) reported(m *Mail, t *touchpoint.Touchpoint, w *Workspace) *reported {
	about := m.Report
	if ids, ok := r.identifier(about.Recipient, false); ok && !w.Owns(about.Recipient) {
		t.Identifiers = ids
	}
	return &reported{about.Action, about.Status, about.Reason, about.Recipient, about.OriginalID}
}

// text puts what is fresh into the touchpoint and keeps the whole beside it, as far as there is room.
func (p *properties) text(t *touchpoint.Touchpoint, preview, whole string) {
	var cut bool
	if t.Text, cut = fit(preview, maxText); cut {
		p.Cut = append(p.Cut, "text")
	}
	if whole == preview {
		return
	}
	if p.Whole, cut = fit(whole, maxWhole); cut {
		p.Cut = append(p.Cut, "whole")
	}
}

// shorten keeps lists and names within what a touchpoint has room for.
func (p *properties) shorten() {
	for _, f := range []struct {
		name string
		list *[]Address
	}{{"from", &p.From}, {"reply_to", &p.ReplyTo}, {"to", &p.To}, {"cc", &p.Cc}, {"bcc", &p.Bcc}} {
		if len(*f.list) > maxListed {
			*f.list = (*f.list)[:maxListed]
			p.Cut = append(p.Cut, f.name)
		}
		for i, a := range *f.list {
			if len(a.Name) > 100 || len(a.Address) > 320 {
				*f.list = slices.Clone(*f.list)
				(*f.list)[i] = Address{clip(a.Name, 100), clip(a.Address, 320)}
			}
		}
	}
	if len(p.Attachments) > maxListed {
		p.Attachments = p.Attachments[:maxListed]
		p.Cut = append(p.Cut, "attachments")
	}
	p.Attachments = slices.Clone(p.Attachments)
	for i := range p.Attachments {
		p.Attachments[i].Name, p.Attachments[i].Type = clip(p.Attachments[i].Name, 100), clip(oneLine(p.Attachments[i].Type), 100)
	}
}

// clip shortens a text to at most so many bytes.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// fit shortens a text until it takes at most so many bytes as JSON.
func fit(s string, most int) (string, bool) {
	size := 0
	for i, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '\n' || r == '\t':
			size += 2
		case r < ' ' || r == '\u2028' || r == '\u2029':
			size += 6
		default:
			size += utf8.RuneLen(r)
		}
		if size > most {
			return s[:i], true
		}
	}
	return s, false
}
