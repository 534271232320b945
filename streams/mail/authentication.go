package mail

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// NoServerID stands in Rules.Authserv for results without the name of a server, as Microsoft 365 writes them.
const NoServerID = "none"

// Authentication is what the mail server of the company found out about the sender.
type Authentication string

// What it may have found.
const (
	Unjudged    Authentication = ""       // no server that is believed has found anything, or looked
	Failed      Authentication = "failed" // nothing that it looked at proves the domain of From
	AlignedDKIM Authentication = "dkim"   // a signature of the domain of From, or of its organisation
	DMARC       Authentication = "dmarc"  // DMARC passed, by SPF or DKIM
)

// Verified tells whether the sender is who From says.
func (a Authentication) Verified() bool { return a == AlignedDKIM || a == DMARC }

// authentication reads the Authentication-Results (RFC 8601) of the servers that are believed. Of each method the
// topmost result counts: servers write above what is there, so that what a sender has written himself stands below.
func (m *Mail) authentication(believed []string) Authentication {
	if len(believed) == 0 {
		return Unjudged
	}
	judged := false
	seen := map[string]int{} // the field that a method was first seen in
	var results []authResult
	n := 0
	for f := m.head.FieldsByKey("Authentication-Results"); f.Next() && n < 50; n++ {
		server, found, ok := readAuthentication(f.Value())
		if !ok || !slices.Contains(believed, server) {
			continue
		}
		judged = true
		for _, r := range found {
			if at, there := seen[r.method]; !there || at == n {
				seen[r.method] = n
				results = append(results, r)
			}
		}
	}
	if !judged {
		return Unjudged
	}
	if len(m.From) != 1 { // then DMARC proves nothing (RFC 7489, 6.6.1)
		return Failed
	}
	return judge(results, m.From[0].Domain())
}

func judge(results []authResult, domain string) Authentication {
	passed := func(method string, also func(authResult) bool) bool {
		return slices.ContainsFunc(results, func(r authResult) bool { return r.method == method && r.value == "pass" && also(r) })
	}
	any := func(authResult) bool { return true }
	switch {
	case passed("dkim", func(r authResult) bool { return aligned(r.signer(), domain) }):
		return AlignedDKIM
	case passed("dmarc", func(r authResult) bool { return r.properties["header.from"] == domain }) && (passed("spf", any) || passed("dkim", any)):
		return DMARC
	case passed("auth", any), !slices.ContainsFunc(results, func(r authResult) bool { return r.method == "spf" || r.value != "none" }):
		// A mail from within: handed in by a user who gave a password, or, as Microsoft 365 marks it, with nothing to look at
		// and no server outside to judge.
		return Unjudged
	}
	return Failed
}

// aligned tells whether two domains belong to one organisation (RFC 7489, 3.1, relaxed).
func aligned(a, b string) bool {
	if a == b {
		return a != ""
	}
	orgA, errA := publicsuffix.EffectiveTLDPlusOne(a)
	orgB, errB := publicsuffix.EffectiveTLDPlusOne(b)
	return errA == nil && errB == nil && orgA == orgB
}

// authResult is one result, such as dkim=pass header.d=example.com.
type authResult struct {
	method, value string
	properties    map[string]string // in lower case
}

// signer is the domain that has signed.
func (r authResult) signer() string {
	if d := r.properties["header.d"]; d != "" {
		return d
	}
	i := r.properties["header.i"]
	return i[strings.LastIndexByte(i, '@')+1:]
}

// readAuthentication reads one field. It goes by tokens, with comments and quoted texts as such: senders choose what
// stands in them, and "; dkim=pass" within one must prove nothing.
func readAuthentication(value string) (server string, results []authResult, ok bool) {
	tokens, ok := authTokens(value)
	if !ok {
		return "", nil, false
	}
	groups := split(tokens, ";")
	if len(groups[0]) > 0 && (len(groups[0]) < 2 || groups[0][1] != "=") {
		if len(groups[0]) > 1 && groups[0][1] != "1" {
			return "", nil, false // a version that is not known
		}
		server, groups = strings.ToLower(groups[0][0]), groups[1:]
	} else {
		server = NoServerID
	}
	for _, g := range groups {
		if len(g) < 3 || g[1] != "=" {
			continue // such as "none"
		}
		method, _, _ := strings.Cut(strings.ToLower(g[0]), "/")
		r := authResult{method: method, value: strings.ToLower(g[2]), properties: map[string]string{}}
		for rest := g[3:]; len(rest) >= 3; {
			if rest[1] != "=" {
				rest = rest[1:]
				continue
			}
			name := strings.ToLower(rest[0])
			if _, twice := r.properties[name]; !twice {
				r.properties[name] = strings.TrimSuffix(strings.ToLower(rest[2]), ".")
			}
			rest = rest[3:]
		}
		results = append(results, r)
	}
	return server, results, true
}

func split(tokens []string, at string) (groups [][]string) {
	begin := 0
	for i, t := range tokens {
		if t == at {
			groups = append(groups, tokens[begin:i])
			begin = i + 1
		}
	}
	return append(groups, tokens[begin:])
}

// authTokens parts a field into words, quoted texts, = and ;. A quoted text can be neither of the two signs, so it gets a
// mark in front. What is not closed makes the field worthless.
func authTokens(s string) (tokens []string, ok bool) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case isSpace(c):
			i++
		case c == ';' || c == '=' && !valued(tokens):
			tokens = append(tokens, s[i:i+1])
			i++
		case c == '(':
			if i = skipComment(s, i); i < 0 {
				return nil, false
			}
		case c == '"':
			text, next := quoted(s, i)
			if next < 0 {
				return nil, false
			}
			// Directly behind a quoted local part follows the rest of the address.
			for next < len(s) && !isSpace(s[next]) && s[next] != ';' && s[next] != '(' {
				text += s[next : next+1]
				next++
			}
			if text == ";" || text == "=" || text == "" {
				text = `"` + text
			}
			tokens = append(tokens, text)
			i = next
		default:
			ends := `;=("`
			if valued(tokens) {
				ends = `;(` // the = in bounce+anna=example.com@lists.example is no sign
			}
			j := i
			for j < len(s) && !isSpace(s[j]) && strings.IndexByte(ends, s[j]) < 0 {
				j++
			}
			tokens = append(tokens, s[i:j])
			i = j
		}
	}
	return tokens, true
}

// valued tells whether what comes next is the value of something.
func valued(tokens []string) bool { return len(tokens) > 0 && tokens[len(tokens)-1] == "=" }

func skipComment(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func quoted(s string, i int) (text string, next int) {
	var b strings.Builder
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), i + 1
		default:
			b.WriteByte(s[i])
		}
	}
	return "", -1
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
