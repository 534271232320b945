package mail

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// TestKinds tells machines from people by each of the signs.
func TestKinds(t *testing.T) {
	r := testRules(t)
	for _, c := range []struct{ head, kind string }{
		{"", KindMessage},
		{"Auto-Submitted: no", KindMessage},
		{"Auto-Submitted: No (really)", KindMessage},
		{"Auto-Submitted: auto-generated; owner-email=x@y", KindAutoReply},
		{"Auto-Submitted: AUTO-REPLIED", KindAutoReply},
		{"Precedence: auto_reply", KindAutoReply},
		{"X-Autoreply: yes\nPrecedence: bulk", KindAutoReply},
		{"X-MS-Exchange-Inbox-Rules-Loop: a@b.example", KindAutoReply},
		{"X-Auto-Response-Suppress: All", KindMessage}, // asks others not to answer by machine; says nothing of itself
		{"Return-Path: <>", KindAutoReply},
		{"Precedence: bulk", KindList},
		{"Precedence: first-class", KindMessage},
		{"List-Unsubscribe: <mailto:x@y.example>", KindList},
		{"List-Id: News <news.shop.example>", KindList},
		{"List-Post: <mailto:dev@lists.example>", KindList},
		{"List-Id: <support.example.com>\nPrecedence: list", KindMessage},
		{"List-Id: <x>\nList-Post: <mailto:support@example.com>", KindMessage},
		{"List-Id: <team.help.example.com>", KindMessage},
		{"X-Loop: support@example.com", KindLooped},
		{"X-Loop: somebody@else.example", KindMessage},
		{strings.Repeat("Delivered-To: support@example.com\n", 3) + "X-A: b", KindLooped},
		{strings.Repeat("Delivered-To: support@example.com\n", 2) + "X-A: b", KindMessage},
		{strings.Repeat("Received: from a by b; Fri, 20 Nov 2026 10:00:00 +0000\n", 51) + "X-A: b", KindLooped},
		{"From: Mailer-Daemon@mx.example", KindBounced},
		{"From: postmaster@mx.example\nReturn-Path: <>", KindBounced},
		{"From: postmaster@mx.example", KindMessage},
	} {
		head := "From: anna@customer.example\n"
		if strings.HasPrefix(c.head, "From:") {
			head = ""
		}
		if c.head != "" {
			head += c.head + "\n"
		}
		tp := become(t, r, []byte(head+"To: support@example.com\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n\nhello\n"))
		if tp.Kind != c.kind {
			t.Errorf("%q is %s, want %s", c.head, tp.Kind, c.kind)
		}
		if machine := tp.Actor.Type == touchpoint.System; machine != (c.kind != KindMessage) {
			t.Errorf("%q is of %s", c.head, tp.Actor.Type)
		}
	}
	for _, kind := range []string{KindAutoReply, KindBounced, KindDelayed, KindDelivered, KindOpened, KindComplained, KindList, KindLooped, KindForged} {
		found := false
		for _, k := range known().Kinds {
			found = found || k.Name == kind && k.Effect == registry.None
		}
		if !found {
			t.Errorf("%s is not in the registry, or has an effect", kind)
		}
	}
}

// TestReports reads what the parts of a report say.
func TestReports(t *testing.T) {
	r := testRules(t)
	report := func(typ, fields string) touchpoint.Touchpoint {
		return become(t, r, []byte("From: MAILER-DAEMON@mx.example\nTo: support@example.com\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n"+
			"Content-Type: multipart/report; boundary=r\n\n--r\n\nwords\n--r\nContent-Type: message/"+typ+"\n\n"+fields+"\n--r\nContent-Type: message/rfc822\n\nMessage-ID: <out@example.com>\n\nx\n--r--\n"))
	}
	status := func(action string) string {
		return "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; one@customer.example\nAction: delivered\n\nOriginal-Recipient: rfc822;<two@customer.example>\nFinal-Recipient: rfc822; x@y.example\nAction: " + action + "\nStatus: 4.0.0\n"
	}
	for _, c := range []struct{ typ, fields, kind, who string }{
		{"delivery-status", status("failed"), KindBounced, "two@customer.example"},
		{"delivery-status", status("delayed"), KindDelivered, "one@customer.example"},
		{"delivery-status", "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; one@customer.example\nAction: delayed\n", KindDelayed, "one@customer.example"},
		{"delivery-status", "nothing of use", KindBounced, "MAILER-DAEMON@mx.example"},
		{"disposition-notification", "Final-Recipient: rfc822; one@customer.example\nDisposition: automatic-action/MDN-sent-automatically; deleted\n", KindAutoReply, "one@customer.example"},
		{"feedback-report", "Feedback-Type: abuse\nOriginal-Rcpt-To: <one@customer.example>\n", KindComplained, "one@customer.example"},
	} {
		tp := report(c.typ, c.fields)
		if tp.Kind != c.kind || tp.Actor.Type != touchpoint.System || len(tp.Identifiers) != 1 || !strings.EqualFold(tp.Identifiers[0].Value, c.who) || tp.Identifiers[0].Verified {
			t.Errorf("%s %q: %s of %s about %v", c.typ, c.fields, tp.Kind, tp.Actor.Type, tp.Identifiers)
		}
		if c.fields != "nothing of use" && tp.Thread[len(tp.Thread)-1] != "message-id:<out@example.com>" {
			t.Errorf("%s: threads %v", c.typ, tp.Thread)
		}
	}
}

// TestWhoIsBelieved goes over the fields that mail servers write, and those that senders do.
func TestWhoIsBelieved(t *testing.T) {
	believed := []string{"mx.example.com", NoServerID}
	for _, c := range []struct {
		name, from, fields string
		want               Authentication
	}{
		{"nothing said", "a@shop.example", "", Unjudged},
		{"aligned DKIM", "a@shop.example", "mx.example.com; dkim=pass header.d=shop.example", AlignedDKIM},
		{"DKIM of the organisation", "a@mail.shop.co.uk", "mx.example.com; dkim=pass header.d=news.shop.co.uk", AlignedDKIM},
		{"DKIM by header.i", "a@shop.example", "MX.example.com 1; dkim=pass (ok) header.i=@shop.example", AlignedDKIM},
		{"DKIM of somebody else", "a@shop.example", "mx.example.com; dkim=pass header.d=evil.example", Failed},
		{"DKIM of a public suffix", "a@one.co.uk", "mx.example.com; dkim=pass header.d=co.uk", Failed},
		{"two under one suffix", "a@one.co.uk", "mx.example.com; dkim=pass header.d=two.co.uk", Failed},
		{"SPF alone", "a@shop.example", "mx.example.com; spf=pass smtp.mailfrom=a@shop.example", Failed},
		{"SPF and DMARC", "a@shop.example", "mx.example.com; spf=pass smtp.mailfrom=a@shop.example; dmarc=pass header.from=shop.example", DMARC},
		{"DMARC for another From", "a@shop.example", "mx.example.com; spf=pass; dmarc=pass header.from=evil.example", Failed},
		{"DMARC alone", "a@shop.example", "mx.example.com; dmarc=pass header.from=shop.example", Failed},
		{"the word of another server", "a@shop.example", "mx.evil.example; dkim=pass header.d=shop.example", Unjudged},
		{"a forged field below ours", "a@shop.example", "mx.example.com; dkim=none; spf=fail\nmx.example.com; dkim=pass header.d=shop.example", Failed},
		{"two milters, two fields", "a@shop.example", "mx.example.com; dmarc=pass header.from=shop.example\nmx.example.com; dkim=pass header.d=lists.example", DMARC},
		{"within a comment", "a@shop.example", "mx.example.com; spf=fail (x; dkim=pass header.d=shop.example)", Failed},
		{"within a nested comment", "a@shop.example", `mx.example.com; spf=fail (a (b\)) ; dkim=pass header.d=shop.example) smtp.mailfrom=x`, Failed},
		{"within a quoted sender", "a@shop.example", `mx.example.com; spf=fail smtp.mailfrom="a\"; dkim=pass header.d=shop.example"@evil.example`, Failed},
		{"as part of a sender", "a@shop.example", "mx.example.com; dkim=pass header.i=x=header.d=shop.example@evil.example", Failed},
		{"a comment without end", "a@shop.example", "mx.example.com; dkim=pass header.d=shop.example (", Unjudged},
		{"an unknown version", "a@shop.example", "mx.example.com 2; dkim=pass header.d=shop.example", Unjudged},
		{"Microsoft, from outside", "a@shop.example", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=shop.example; dkim=pass (signature was verified) header.d=shop.example;dmarc=pass action=none header.from=shop.example;compauth=pass reason=100", AlignedDKIM},
		{"Microsoft, from within", "a@shop.example", "dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=shop.example;", Unjudged},
		{"handed in with a password", "a@shop.example", "mx.example.com; auth=pass smtp.auth=a@shop.example smtp.mailfrom=a@shop.example", Unjudged},
		{"two senders", "a@shop.example, b@evil.example", "mx.example.com; dkim=pass header.d=shop.example", Failed},
	} {
		text := "From: " + c.from + "\n"
		for line := range strings.SplitSeq(c.fields, "\n") {
			if line != "" {
				text += "Authentication-Results: " + line + "\n"
			}
		}
		m, err := Parse([]byte(text+"\nx"), DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if got := m.authentication(believed); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := m.authentication(nil); got != Unjudged {
			t.Errorf("%s: without servers that are believed: %q", c.name, got)
		}
	}
}
