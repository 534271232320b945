package mail

import (
	"github.com/throughline/throughline/schemas/touchpoint"
)

// parties says who spoke to whom, and which address is the customer's. One address only: that two people are named in
// one mail does not make them one person.
//
//	from the company, to somebody else   outbound, an agent; the customer is the first who is not the company
//	from the company, to itself          internal
//	from the company, says a stranger    inbound, system, email.forged; nobody's
//	from anybody else                    inbound; the customer is the sender
//
// A contact form writes in the company's name and leaves the customer's address in Reply-To; it is claimed.
func (r *Rules) parties(m *Mail, t *touchpoint.Touchpoint, w *Workspace, auth Authentication) {
	sender := Address{}
	if len(m.From) > 0 {
		sender = m.From[0]
	}
	ours := sender.Address != "" && w.Owns(sender.Address)
	customer, verified := sender, auth.Verified()
	t.Direction, t.Actor = touchpoint.Inbound, touchpoint.Actor{Type: touchpoint.Customer, Name: clip(sender.Name, touchpoint.MaxLabel)}
	switch {
	case ours && auth == Failed:
		t.Kind, t.Actor = KindForged, touchpoint.Actor{Type: touchpoint.System, Name: clip(sender.Name, touchpoint.MaxLabel)}
		customer = Address{}
	case ours:
		to := w.firstOther(m.To, m.Cc, m.Bcc)
		if form := w.firstOther(m.ReplyTo); to.Address == "" && form.Address != "" {
			customer, verified = form, false
			t.Actor.Name = clip(form.Name, touchpoint.MaxLabel)
			break
		}
		t.Direction, customer, verified = touchpoint.Outbound, to, true
		if to.Address == "" {
			t.Direction = touchpoint.Internal
		}
		t.Actor = touchpoint.Actor{Type: touchpoint.Agent, ID: clip(sender.Address, touchpoint.MaxLabel), Name: t.Actor.Name}
	}
	if t.Kind != KindMessage {
		t.Actor = touchpoint.Actor{Type: touchpoint.System, Name: t.Actor.Name}
	}
	t.Identifiers, _ = r.identifier(customer.Address, verified)
}

// firstOther is the first address that is not the company's.
func (w *Workspace) firstOther(lists ...[]Address) Address {
	for _, list := range lists {
		for _, a := range list {
			if !w.Owns(a.Address) {
				return a
			}
		}
	}
	return Address{}
}
