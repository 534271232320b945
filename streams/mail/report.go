package mail

import (
	"bytes"
	"strings"

	"github.com/throughline/throughline/streams/mailtext"
)

// Report is what a mail server says about a mail (RFC 3464), or a mail reader about having shown it (RFC 8098), or a provider
// about a complaint (RFC 5965).
type Report struct {
	Type       string // delivery-status, disposition-notification or feedback-report
	Action     string // of a delivery: failed, delayed, delivered, relayed or expanded
	Status     string // of a delivery, such as 5.1.1
	Reason     string // in the words of the server that refused
	Recipient  string // the address that the mail could not reach, or that has read it
	OriginalID string // the Message-ID of the mail that the report is about
}

// readReport takes a part for what it tells of another mail. It returns false for a part that is none of a report; the
// mail that a report is about is not kept as an attachment.
func (p *parser) readReport(typ string, content []byte) bool {
	r := p.mail.Report
	report := func(kind string) *Report {
		if r == nil {
			r = &Report{Type: kind}
			p.mail.Report = r
		}
		return r
	}
	switch typ {
	case "message/delivery-status", "message/global-delivery-status":
		p.readDelivery(report("delivery-status"), content)
	case "message/disposition-notification", "message/global-disposition-notification":
		h, _ := p.head(content)
		r = report("disposition-notification")
		r.Recipient = typedAddress(h.Get("Final-Recipient"))
		r.OriginalID = firstID(h.Get("Original-Message-Id"))
		if _, action, ok := strings.Cut(h.Get("Disposition"), ";"); ok {
			r.Action = strings.ToLower(strings.TrimSpace(action))
		}
	case "message/feedback-report":
		h, _ := p.head(content)
		r = report("feedback-report")
		r.Recipient = typedAddress(h.Get("Original-Rcpt-To"))
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
		if r == nil {
			return false
		}
		if r.OriginalID == "" {
			h, _ := p.head(content)
			r.OriginalID = firstID(h.Get("Message-Id"))
		}
	default:
		return false
	}
	return true
}

// readDelivery takes the first recipient that failed, else the first. The first block is about the mail as a whole.
func (p *parser) readDelivery(r *Report, content []byte) {
	for block := range bytes.SplitSeq(content, []byte("\n\n")) {
		h, _ := p.head(bytes.TrimLeft(block, "\n"))
		action := strings.ToLower(strings.TrimSpace(h.Get("Action")))
		if action == "" || r.Action != "" && (r.Action == "failed" || action != "failed") {
			continue
		}
		r.Action, r.Status = oneLine(action), oneLine(h.Get("Status"))
		r.Recipient = typedAddress(h.Get("Final-Recipient"))
		if original := typedAddress(h.Get("Original-Recipient")); original != "" {
			r.Recipient = original
		}
		_, reason, _ := strings.Cut(h.Get("Diagnostic-Code"), ";")
		if r.Reason = oneLine(reason); len(r.Reason) > 500 {
			r.Reason = strings.ToValidUTF8(r.Reason[:500], "")
		}
	}
}

// typedAddress is the address in "rfc822; anna@example.com".
func typedAddress(value string) string {
	if _, address, ok := strings.Cut(value, ";"); ok {
		value = address
	}
	found := bare.FindString(value)
	if found == "" {
		return ""
	}
	return withDomain(found)
}

func firstID(value string) string {
	if ids := mailtext.MessageIDs(value, 1); len(ids) > 0 {
		return ids[0]
	}
	return ""
}
