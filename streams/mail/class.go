package mail

import (
	"slices"
	"strings"
)

// Kinds of mail, as the registry lists them.
const (
	KindMessage    = "message"
	KindAutoReply  = "email.auto_replied" // an automatic answer or notice (RFC 3834)
	KindBounced    = "email.bounced"      // could not be delivered (RFC 3464)
	KindDelayed    = "email.delayed"
	KindDelivered  = "email.delivered"
	KindOpened     = "email.opened"     // RFC 8098
	KindComplained = "email.complained" // called spam by its reader (RFC 5965)
	KindList       = "email.listed"     // from a mailing list, or to many at once
	KindLooped     = "email.looped"     // goes in circles
	KindForged     = "email.forged"     // claims to come from the company and does not
)

// maxHops is how many servers a mail may have passed. RFC 5321, 6.3 asks for at least 100 before a loop is assumed; mail
// for a company comes over a dozen at most.
const maxHops = 50

// kind tells what sort of mail it is. KindMessage is the rest: what none of the signs of machines is on.
func (m *Mail) kind(w *Workspace) string {
	if m.Report != nil {
		return m.Report.kind()
	}
	precedence := strings.ToLower(m.field("Precedence"))
	own, listed := m.list(w)
	switch {
	case m.loops(w):
		return KindLooped
	case m.fromDaemon():
		return KindBounced
	case listed && !own:
		return KindList
	case m.autoSubmitted(), precedence == "auto_reply" || precedence == "auto-reply",
		m.has("X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Reply-From", "X-Mail-Autoreply", "X-Ms-Exchange-Inbox-Rules-Loop"):
		return KindAutoReply
	case !own && (precedence == "bulk" || precedence == "junk" || precedence == "list" || m.has("List-Unsubscribe")):
		return KindList
	case m.field("Return-Path") == "<>":
		return KindAutoReply // nobody would hear of it if it could not be delivered (RFC 3834, 3.3)
	}
	return KindMessage
}

// autoSubmitted tells whether the mail says that no human sent it (RFC 3834, 5).
func (m *Mail) autoSubmitted() bool {
	word, _, _ := strings.Cut(strings.ToLower(m.field("Auto-Submitted")), ";")
	word, _, _ = strings.Cut(word, "(")
	word = strings.TrimSpace(word)
	return word != "" && word != "no"
}

func (m *Mail) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return m.head.Has(name) })
}

// list tells whether the mail came over a list (RFC 2919, 2369), and whether that is the company's own. A group at Google
// or Microsoft that hands support@ round to the team is a list too, and what customers write to it is theirs.
func (m *Mail) list(w *Workspace) (own, listed bool) {
	if !m.has("List-Id", "List-Post", "List-Help", "List-Subscribe", "List-Archive") {
		return false, false
	}
	id := m.field("List-Id")
	if i := strings.LastIndexByte(id, '<'); i >= 0 {
		id = id[i+1:]
	}
	post := bare.FindString(strings.TrimPrefix(m.field("List-Post"), "<mailto:"))
	return w.ownsHost(strings.ToLower(strings.Trim(id, "<> "))) || post != "" && w.Owns(post), true
}

// fromDaemon tells whether a mail server speaks, in words that are no report by RFC 3464.
func (m *Mail) fromDaemon() bool {
	if len(m.From) == 0 {
		return false
	}
	local, _, _ := strings.Cut(strings.ToLower(m.From[0].Address), "@")
	return local == "mailer-daemon" || local == "mail-daemon" || local == "postmaster" && m.field("Return-Path") == "<>"
}

// loops tells whether the mail was here before: servers that hand on mark what they have seen.
func (m *Mail) loops(w *Workspace) bool {
	if m.hops > maxHops {
		return true
	}
	for f := m.head.FieldsByKey("X-Loop"); f.Next(); {
		if a := bare.FindString(f.Value()); a != "" && w.Owns(withDomain(a)) {
			return true
		}
	}
	delivered := map[string]int{}
	for f := m.head.FieldsByKey("Delivered-To"); f.Next(); {
		if a := withDomain(bare.FindString(f.Value())); a != "" {
			if delivered[a]++; delivered[a] > 2 { // two: a server that writes it on the way in and on the way out
				return true
			}
		}
	}
	return false
}

// kind of a report.
func (r *Report) kind() string {
	switch {
	case r.Type == "disposition-notification" && strings.HasPrefix(r.Action, "displayed"):
		return KindOpened
	case r.Type == "disposition-notification":
		return KindAutoReply // deleted, dispatched, denied: nobody knows whether it was read
	case r.Type == "feedback-report":
		return KindComplained
	case r.Action == "delayed":
		return KindDelayed
	case r.Action == "delivered", r.Action == "relayed", r.Action == "expanded":
		return KindDelivered
	}
	return KindBounced
}
