package identity

import (
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// part looks whether a person still hangs together after evidence was undone, and makes persons of its parts if it does not:
// the part with the identifier that the person is named after stays, every other is named after its oldest one and leaves.
func (r *Resolver) part(person uint32) {
	parts := r.partsOf(person)
	if len(parts) == 1 {
		return
	}
	from, wasBarred := r.customers.at(person).anchor, r.customers.at(person).flags&flagBarred != 0
	r.gather(person, parts[0], wasBarred)
	leaving := parts[1:]
	for _, members := range leaving {
		name := slices.Min(members)
		r.gather(name, members, wasBarred)
		to := r.customers.at(name).anchor
		for _, c := range members {
			v := r.customers.at(c)
			r.emit(identity.Move{Anchor: v.anchor, Home: v.anchor, From: from, Person: to, Type: r.typeName(v.typ), Value: r.valueOf(v.anchor)})
		}
	}
	// All customers must have moved before the stories do, and all stories before the shares.
	r.visited = emptied(r.visited)
	for _, members := range leaving {
		name := r.customers.at(r.customers.at(members[0]).person)
		name.weight = 0
		for _, c := range members {
			name.weight += 1 + r.moveStories(c, from, name.anchor)
			for e := r.customers.at(c).edges; e != 0; e = r.edges.at(e - 1).nextOfCustomer {
				name.weight++
			}
		}
		r.customers.at(person).weight -= name.weight
	}
	for _, members := range leaving {
		for _, c := range members {
			r.leaveShares(c, from)
		}
	}
	r.persons += len(leaving)
	r.changes++
	r.partings++
}

// partsOf returns what of the person hangs together, the part with the identifier that it is named after first.
func (r *Resolver) partsOf(person uint32) (parts [][]uint32) {
	r.parents = emptied(r.parents)
	for i := range r.members(person) {
		if _, seen := r.parents[i]; !seen {
			parts = append(parts, r.reach(i))
		}
	}
	return parts
}

// reach returns what hangs together with a customer that r.parents does not know, and notes it there.
func (r *Resolver) reach(from uint32) []uint32 {
	r.parents[from] = from
	part := []uint32{from}
	for at := 0; at < len(part); at++ {
		for _, p := range r.pairsOf(part[at]) {
			other := p.other(part[at])
			if _, seen := r.parents[other]; !seen && !p.held() {
				r.parents[other] = from
				part = append(part, other)
			}
		}
	}
	return part
}

// gather makes a person of the customers. What it weighs is for the caller to tell.
func (r *Resolver) gather(name uint32, members []uint32, wasBarred bool) {
	isBarred := false
	for i, c := range members {
		v := r.customers.at(c)
		v.person, v.next = name, members[(i+1)%len(members)]
		isBarred = isBarred || wasBarred && r.barred[c] != nil
	}
	v := r.customers.at(name)
	v.size = uint16(len(members))
	v.flags &^= flagBarred
	if isBarred {
		v.flags |= flagBarred
	}
	delete(r.crowds, name)
	if len(members) > fewIdentifiers {
		c := &crowd{types: make([]uint16, len(r.sum))}
		for _, i := range members {
			c.types[r.customers.at(i).typ]++
			c.pairs += r.degree(i)
		}
		c.pairs /= 2
		r.crowds[name] = c
	}
}

// leaveShares moves to the owners of stories what a customer wrote in them who was the owner's person and is no longer.
func (r *Resolver) leaveShares(customer uint32, from identity.PersonID) {
	for e := r.customers.at(customer).edges; e != 0; e = r.edges.at(e - 1).nextOfCustomer {
		r.touched++
		v := r.edges.at(e - 1)
		if to := r.storyPerson(r.threads.at(v.threadOf()).story); !v.moved() && to != r.personOf(customer) {
			r.takePart(e-1, from, to)
		}
	}
}
