package identity

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// phones makes numbers E.164. Reading one takes some ten microseconds, more than all else that is done to a touchpoint
// at the door, and the same customers come again: results are remembered in a table of fixed size.
type phones struct {
	region string
	seed   maphash.Seed
	known  []atomic.Pointer[phoneNumber]
}

type phoneNumber struct{ typed, e164 string }

const (
	knownPhones = 1 << 14
	// longestPhone bounds what is remembered: 2 MiB in all.
	longestPhone = 40
)

func newPhones(region string) *phones {
	return &phones{region: region, seed: maphash.MakeSeed(), known: make([]atomic.Pointer[phoneNumber], knownPhones)}
}

// normalise makes the number E.164, reading one without a country code as of the region. An extension is left out: it
// belongs to a switchboard, not to a customer. A number that has a possible length passes even when the plan of
// its country, which changes, does not know it.
func (p *phones) normalise(s string) (string, error) {
	if len(s) > longestPhone {
		return p.parse(s)
	}
	slot := &p.known[maphash.String(p.seed, s)%knownPhones]
	if n := slot.Load(); n != nil && n.typed == s {
		return n.e164, nil
	}
	e164, err := p.parse(s)
	if err == nil {
		slot.Store(&phoneNumber{strings.Clone(s), e164}) // s may be a piece of a whole request
	}
	return e164, err
}

func (p *phones) parse(s string) (string, error) {
	once, err := p.format(s)
	if err != nil {
		return "", err
	}
	// Of nonsense such as nine zeros each reading takes another zero for a trunk prefix. It must not be one customer today
	// and another when it is read again.
	if twice, err := p.format(once); err != nil || twice != once {
		return "", errors.New("not a phone number")
	}
	return once, nil
}

func (p *phones) format(s string) (string, error) {
	n, err := phonenumbers.Parse(s, p.region)
	if err != nil {
		return "", fmt.Errorf("not a phone number: %w", err)
	}
	if !phonenumbers.IsPossibleNumber(n) {
		return "", errors.New("not a phone number: too short or too long for its country")
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}
