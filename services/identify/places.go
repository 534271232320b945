package identify

import (
	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/identity"
)

// differences yields the moves from where everything is by one resolver to where it is by another, which follows it. They
// lack workspace, version and evidence.
func differences(before, after *identity.Resolver) func(yield func(words.Move) bool) {
	return func(yield func(words.Move) bool) {
		parts := map[words.Anchor]words.PersonID{} // where participations are
		for was := range before.All() {
			if was.Thread.IsZero() {
				is, _ := after.Person(was.Anchor)
				if is != was.Person && !yield(moveOf(was, was.Person, is)) {
					return
				}
				continue
			}
			parts[was.Anchor] = was.Person
		}
		for is := range after.All() {
			was, known := before.Person(is.Anchor)
			if !is.Thread.IsZero() {
				// One that followed its customer is moved even to where it is: from now on it does not follow.
				known = false
				if was = parts[is.Anchor]; was.IsZero() {
					was, _ = before.Person(is.Home)
				} else if was == is.Person {
					continue
				}
			}
			if !known && !yield(moveOf(is, was, is.Person)) { // the others were among those before
				return
			}
		}
	}
}

func moveOf(p identity.Place, from, to words.PersonID) words.Move {
	return words.Move{Anchor: p.Anchor, Home: p.Home, Thread: p.Thread, From: from, Person: to, Type: p.Type}
}
