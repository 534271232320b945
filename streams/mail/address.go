package mail

import (
	"mime"
	"net/mail"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
)

// Address is a mailbox and the name that was written beside it.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"` // as it was written, but for the case of the domain
}

// Domain is what stands behind the last @, in lower case.
func (a Address) Domain() string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }

// bare finds addresses in what is no list of addresses.
var bare = regexp.MustCompile(`[^\s<>,;:"()\[\]\\@]+@[^\s<>,;:"()\[\]\\@]+`)

// addresses reads a field of addresses. Where it is broken, whatever looks like an address is taken, without names.
func (p *parser) addresses(name string) []Address {
	value := p.mail.head.Get(name)
	if strings.TrimSpace(value) == "" {
		return nil
	}
	var out []Address
	words := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: message.CharsetReader}}
	list, err := words.ParseList(value)
	for _, a := range list {
		if domain := strings.LastIndexByte(a.Address, '@'); domain > 0 {
			out = append(out, Address{Name: oneLine(a.Name), Address: withDomain(a.Address)})
		}
	}
	if err != nil {
		for _, a := range bare.FindAllString(value, p.limits.Recipients+1) {
			out = append(out, Address{Address: withDomain(strings.Trim(a, ".'"))})
		}
		if len(out) > 0 {
			p.mail.defect("%s is no list of addresses", name)
		}
	}
	if len(out) > p.limits.Recipients {
		p.mail.defect("%s has more than %d addresses", name, p.limits.Recipients)
		out = out[:p.limits.Recipients]
	}
	return out
}

// withDomain puts the domain, which has no case, into lower case. The part before it may have one.
func withDomain(a string) string {
	at := strings.LastIndexByte(a, '@')
	return printable(a[:at+1] + strings.ToLower(a[at+1:]))
}
