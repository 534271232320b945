package workspace

import (
	"errors"
	"slices"
)

// Scope is something that a key may do. None includes another, but that write includes send: a key of a shop that only sends need
// not read, and a key that lies in a web page, for everybody to take, must not say who people are.
type Scope string

// The scopes.
const (
	Read  Scope = "read"  // look things up, lists, reports
	Send  Scope = "send"  // send touchpoints
	Write Scope = "write" // send touchpoints, send dead letters again, correct who people are
	Admin Scope = "admin" // rehearse and promote rules, audit, rebuild
)

// Scopes are all scopes.
func Scopes() []Scope { return []Scope{Read, Send, Write, Admin} }

// ErrBadScope is returned for a scope that there is not.
var ErrBadScope = errors.New("workspace: a scope is read, send, write or admin")

// ValidScope returns ErrBadScope for a scope that there is not.
func ValidScope(s Scope) error {
	if !slices.Contains(Scopes(), s) {
		return ErrBadScope
	}
	return nil
}

// May tells whether the key has a scope.
func (k Key) May(s Scope) bool {
	return len(k.Scopes) == 0 || slices.Contains(k.Scopes, s) || s == Send && slices.Contains(k.Scopes, Write)
}
