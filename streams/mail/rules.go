package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
)

// ErrBadRules is returned for a mail.yaml that cannot work; the text around it names line and field.
var ErrBadRules = errors.New("mail: bad rules")

// Rules say whose mail is whose: what mail.yaml holds.
type Rules struct {
	// Authserv are the names of the mail servers whose Authentication-Results are believed, in lower case. NoServerID
	// stands for results without a name.
	Authserv   []string
	Workspaces []Workspace
	Limits     Limits

	addresses *identity.Rules // whose normaliser tells what can be an address
}

// Workspace is what is the company's in one workspace.
type Workspace struct {
	Name string
	// Receive are the addresses, or @domains, that mail is taken for.
	Receive []string
	// Ours are further addresses or @domains of the company: what comes from them is outbound.
	Ours       []string
	Teams      map[string]string // by address
	References []Reference
}

// Reference finds numbers of tickets, orders and the like in subject and text.
type Reference struct {
	Scheme  string         // of the thread
	Pattern *regexp.Regexp // the first group, or else all of it, is the number
}

// document is mail.yaml as it is written.
type document struct {
	Authserv   []line `yaml:"authserv"`
	Workspaces []struct {
		Name       line            `yaml:"name"`
		Receive    []line          `yaml:"receive"`
		Ours       []line          `yaml:"ours"`
		Teams      map[string]line `yaml:"teams"`
		References []struct {
			Thread  line `yaml:"thread"`
			Pattern line `yaml:"pattern"`
		} `yaml:"references"`
	} `yaml:"workspaces"`
	Limits struct {
		Size       int `yaml:"size"`
		Head       int `yaml:"head"`
		Parts      int `yaml:"parts"`
		Depth      int `yaml:"depth"`
		Recipients int `yaml:"recipients"`
		Text       int `yaml:"text"`
	} `yaml:"limits"`
}

// line is a text and where it stands.
type line struct {
	text string
	at   int
}

// UnmarshalYAML keeps the line.
func (l *line) UnmarshalYAML(n ast.Node) error {
	s, ok := n.(*ast.StringNode)
	if !ok {
		if n.GetToken() != nil {
			l.at = n.GetToken().Position.Line
		}
		return fmt.Errorf("line %d: want a text: put it into quotes", l.at)
	}
	l.text, l.at = s.Value, s.GetToken().Position.Line
	return nil
}

func (l line) errorf(field, format string, args ...any) error {
	return fmt.Errorf("%w: line %d: %s: %s", ErrBadRules, max(1, l.at), field, fmt.Sprintf(format, args...))
}

// ParseRules reads mail.yaml, strictly. The error is ErrBadRules with line and field.
func ParseRules(data []byte) (*Rules, error) {
	var d document
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&d); err != nil {
		return nil, unreadable(err)
	}
	r := &Rules{Limits: DefaultLimits(), addresses: identity.DefaultRules()}
	for i, server := range d.Authserv {
		if server.text == "" || strings.ContainsAny(server.text, " \t;") {
			return nil, server.errorf(fmt.Sprintf("authserv[%d]", i), "%q is no name of a mail server such as mx.example.com", server.text)
		}
		r.Authserv = append(r.Authserv, strings.ToLower(server.text))
	}
	if len(d.Workspaces) == 0 {
		return nil, line{}.errorf("workspaces", "missing: say for whom mail is taken")
	}
	receives := map[string]string{}
	for i := range d.Workspaces {
		w := &d.Workspaces[i]
		field := func(name string) string { return fmt.Sprintf("workspaces[%d].%s", i, name) }
		out := Workspace{Name: w.Name.text, Teams: map[string]string{}}
		if out.Name == "" || slices.ContainsFunc(r.Workspaces, func(o Workspace) bool { return o.Name == out.Name }) {
			return nil, w.Name.errorf(field("name"), "%q is empty or there twice", out.Name)
		}
		if len(w.Receive) == 0 {
			return nil, w.Name.errorf(field("receive"), "missing: name the addresses, or @domains, that mail is taken for")
		}
		for j, a := range w.Receive {
			mailbox, err := mailboxOf(a, field(fmt.Sprintf("receive[%d]", j)))
			if err != nil {
				return nil, err
			}
			if other, twice := receives[mailbox]; twice {
				return nil, a.errorf(field(fmt.Sprintf("receive[%d]", j)), "%s is received by workspace %s already", mailbox, other)
			}
			receives[mailbox] = out.Name
			out.Receive = append(out.Receive, mailbox)
		}
		for j, a := range w.Ours {
			mailbox, err := mailboxOf(a, field(fmt.Sprintf("ours[%d]", j)))
			if err != nil {
				return nil, err
			}
			out.Ours = append(out.Ours, mailbox)
		}
		for a, team := range w.Teams {
			mailbox, err := mailboxOf(line{a, team.at}, field("teams"))
			if err != nil {
				return nil, err
			}
			out.Teams[mailbox] = team.text
		}
		for j, ref := range w.References {
			reference, err := referenceOf(ref.Thread, ref.Pattern, field(fmt.Sprintf("references[%d]", j)))
			if err != nil {
				return nil, err
			}
			out.References = append(out.References, reference)
		}
		r.Workspaces = append(r.Workspaces, out)
	}
	for _, f := range []struct {
		said int
		into *int
	}{
		{d.Limits.Size, &r.Limits.Size}, {d.Limits.Head, &r.Limits.Head}, {d.Limits.Parts, &r.Limits.Parts}, {d.Limits.Depth, &r.Limits.Depth},
		{d.Limits.Recipients, &r.Limits.Recipients}, {d.Limits.Text, &r.Limits.Text},
	} {
		if f.said != 0 {
			*f.into = f.said
		}
	}
	if err := r.Limits.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRules, err)
	}
	return r, nil
}

// mailboxOf reads an address, or @ and a domain. Neither has a case here.
func mailboxOf(l line, field string) (string, error) {
	a := strings.ToLower(strings.TrimSpace(l.text))
	local, domain, ok := strings.Cut(a, "@")
	if !ok || domain == "" || strings.ContainsAny(a, " \t<>,;\"") || strings.ContainsAny(domain, "@*") || strings.Contains(local, "*") {
		return "", l.errorf(field, "%q is neither an address such as support@example.com nor a domain such as @example.com", l.text)
	}
	return a, nil
}

func referenceOf(scheme, pattern line, field string) (Reference, error) {
	if scheme.text == "" || strings.Trim(scheme.text, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || scheme.text == "message-id" {
		return Reference{}, scheme.errorf(field+".thread", "%q is no scheme of threads such as ticket or order", scheme.text)
	}
	re, err := regexp.Compile(pattern.text)
	switch {
	case err != nil:
		return Reference{}, pattern.errorf(field+".pattern", "%v", err)
	case pattern.text == "" || re.MatchString(""):
		return Reference{}, pattern.errorf(field+".pattern", "%q is found in every text", pattern.text)
	case re.NumSubexp() > 1:
		return Reference{}, pattern.errorf(field+".pattern", "%d groups: want one, around the number; write others as (?:...)", re.NumSubexp())
	}
	return Reference{Scheme: scheme.text, Pattern: re}, nil
}

// unreadable says in one line where the YAML is none.
func unreadable(err error) error {
	var bad yaml.Error
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: line 1: there is nothing in it", ErrBadRules)
	case errors.As(err, &bad) && bad.GetToken() != nil && bad.GetToken().Position != nil:
		reason := bad.GetMessage()
		if mismatch := (*yaml.TypeError)(nil); errors.As(err, &mismatch) {
			reason = fmt.Sprintf("want %s, got %s", mismatch.DstType, mismatch.SrcType)
		}
		return fmt.Errorf("%w: line %d: %s", ErrBadRules, bad.GetToken().Position.Line, reason)
	}
	return fmt.Errorf("%w: %w", ErrBadRules, err)
}

// identifier is the address as an identifier. It returns false for what the door would refuse, and the whole mail with it.
func (r *Rules) identifier(address string, verified bool) ([]touchpoint.Identifier, bool) {
	id := touchpoint.Identifier{Type: "email", Value: address, Verified: verified}
	if address == "" || len(address) > touchpoint.MaxValue {
		return nil, false
	}
	if _, err := r.addresses.Normalise(id); err != nil {
		return nil, false
	}
	return []touchpoint.Identifier{id}, true
}

// Workspace is the workspace of that name; nil when the rules name none such.
func (r *Rules) Workspace(name string) *Workspace {
	for i := range r.Workspaces {
		if r.Workspaces[i].Name == name {
			return &r.Workspaces[i]
		}
	}
	return nil
}

// Receives is the workspace that takes mail for an address; nil when none does. An address that is named itself wins
// over the same without +tag (RFC 5233), and that over its domain.
func (r *Rules) Receives(address string) *Workspace {
	for _, mailbox := range mailboxes(address) {
		for i := range r.Workspaces {
			if slices.Contains(r.Workspaces[i].Receive, mailbox) {
				return &r.Workspaces[i]
			}
		}
	}
	return nil
}

// Owns tells whether an address is the company's.
func (w *Workspace) Owns(address string) bool {
	for _, mailbox := range mailboxes(address) {
		if slices.Contains(w.Receive, mailbox) || slices.Contains(w.Ours, mailbox) {
			return true
		}
	}
	return false
}

// mailboxes are what rules may call an address, the most particular first.
func mailboxes(address string) [3]string {
	address = strings.ToLower(address)
	at := max(0, strings.LastIndexByte(address, '@'))
	local, domain := address[:at], address[at:]
	untagged, _, _ := strings.Cut(local, "+")
	return [3]string{address, untagged + domain, domain}
}

// ownsHost tells whether a host is of the company: the name of a list such as support.example.com.
func (w *Workspace) ownsHost(host string) bool {
	for _, list := range [][]string{w.Receive, w.Ours} {
		for _, mailbox := range list {
			local, domain, _ := strings.Cut(mailbox, "@")
			if host == local+"."+domain || local == "" && (host == domain || strings.HasSuffix(host, "."+domain)) {
				return true
			}
		}
	}
	return false
}
