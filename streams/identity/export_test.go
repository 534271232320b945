package identity

import "github.com/throughline/throughline/schemas/identity"

// What the tests of package identity_test, which use package oracle, share with those of this package.

type Follower = follower

var MustRules = mustRules

func (r *Resolver) CheckBooks(t fataler) { r.checkBooks(t) }

func (f follower) Take(t fataler, moves []identity.Move) { f.take(t, moves) }

func (f follower) PersonOf(a identity.Anchor) identity.PersonID { return f.personOf(a) }

func (f follower) ShareOf(a, thread identity.Anchor) identity.PersonID { return f.shareOf(a, thread) }

// Kept yields the pairs of the evidence, and whether they are a user's word or only held.
func (r *Resolver) Kept(yield func(a, b identity.Anchor, manual, held bool)) {
	for i := range r.customers.n {
		for _, p := range r.pairsOf(i) {
			a, b := p.ends()
			if p.held() || a == i {
				yield(r.customers.at(a).anchor, r.customers.at(b).anchor, p.manual(), p.held())
			}
		}
	}
}
