package identity

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// addresses makes one text of all the addresses that lead to one mailbox.
type addresses struct {
	domains map[string]mailDomain // that have rules of their own
}

// mailDomain is what the rules say of a domain.
type mailDomain struct {
	name     string // that has the mailboxes
	plusTags bool
	dots     bool
}

var errNotDomain = errors.New("not an e-mail address: the part after the @ is not a domain")

// compile checks the domains, and returns the field that is wrong. A domain and its aliases have the same rules, whichever
// of them is listed: the same mailboxes must not be told apart in two ways.
func (e *Email) compile() (a addresses, field string, err error) {
	a.domains = map[string]mailDomain{}
	for _, from := range slices.Sorted(maps.Keys(e.Aliases)) {
		field = "aliases.'" + from + "'"
		alias, err := domainOf(from)
		if err != nil {
			return a, field, err
		}
		domain, err := domainOf(e.Aliases[from])
		if err != nil {
			return a, field, err
		}
		a.domains[alias] = mailDomain{name: domain}
	}
	for _, from := range slices.Sorted(maps.Keys(a.domains)) {
		if to := a.domains[from].name; a.domains[to].name != "" {
			return a, "aliases", fmt.Errorf("%s cannot be an alias of %s, which is one itself", from, to)
		}
	}
	for i, text := range e.PlusTags {
		if err := a.mark(text, func(d *mailDomain) { d.plusTags = true }); err != nil {
			return a, fmt.Sprintf("plus_tags[%d]", i), err
		}
	}
	for i, text := range e.Dots {
		if err := a.mark(text, func(d *mailDomain) { d.dots = true }); err != nil {
			return a, fmt.Sprintf("dots[%d]", i), err
		}
	}
	return a, "", nil
}

// mark sets something about a domain and its aliases.
func (a addresses) mark(text string, set func(*mailDomain)) error {
	domain, err := domainOf(text)
	if err != nil {
		return err
	}
	if known, ok := a.domains[domain]; ok {
		domain = known.name
	}
	of := a.domains[domain]
	of.name = domain
	set(&of)
	a.domains[domain] = of
	for name, d := range a.domains {
		if d.name == domain {
			a.domains[name] = of
		}
	}
	return nil
}

func domainOf(text string) (string, error) {
	domain, err := asciiDomain(fold(strings.TrimSuffix(text, ".")))
	if err != nil {
		return "", fmt.Errorf("%q is not a domain, want one such as example.com", text)
	}
	return domain, nil
}

// normalise makes the address lower case and its domain ASCII (RFC 5891), and takes off what the rules say that does not
// tell mailboxes of its domain apart. The local part is case-sensitive by RFC 5321 and by no mail system; a customer who
// writes Anna@ today and anna@ tomorrow is one.
func (a addresses) normalise(s string) (string, error) {
	s, err := plain(s)
	if err != nil {
		return "", err
	}
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		s = s[1 : len(s)-1]
	}
	s = fold(strings.TrimSpace(s))
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 {
		return "", errors.New("not an e-mail address: want name@domain")
	}
	local, domain := s[:at], strings.TrimSuffix(s[at+1:], ".")
	if strings.ContainsFunc(local, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune("@<>,;:()[]\\", c) }) {
		return "", errors.New("not an e-mail address: the part before the @ has a character it may not have")
	}
	if domain, err = asciiDomain(domain); err != nil {
		return "", err
	}
	if of, known := a.domains[domain]; known {
		if local, domain = of.mailbox(local), of.name; local == "" {
			return "", errors.New("not an e-mail address: nothing but dots before the @")
		}
	}
	if len(local) > 64 || len(domain) > 253 {
		return "", errors.New("not an e-mail address: too long")
	}
	return local + "@" + domain, nil
}

// mailbox is the local part without what does not tell mailboxes apart.
func (d mailDomain) mailbox(local string) string {
	if d.dots {
		local = strings.ReplaceAll(local, ".", "")
	}
	if d.plusTags && local != "" {
		if i := strings.IndexByte(local[1:], '+'); i >= 0 { // a plus in front begins a name, and no tag
			local = local[:i+1]
		}
	}
	return local
}

// asciiDomain is the domain, in lower case already, as ASCII.
func asciiDomain(domain string) (string, error) {
	if plainDomain(domain) {
		return domain, nil
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !plainDomain(ascii) {
		return "", errNotDomain
	}
	return ascii, nil
}

// plainDomain tells whether the name is one of lower-case ASCII labels which idna would not change.
func plainDomain(s string) bool {
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_':
			label++
		case c == '-' && label > 0:
			label++
		case c == '.' && label > 0 && s[i-1] != '-':
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
	}
	return label > 0 && s[len(s)-1] != '-'
}
