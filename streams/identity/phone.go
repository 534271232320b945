package identity

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// phones makes numbers E.164. Reading one takes some ten microseconds, more than all else that is done to a touchpoint
// at the door, and the same customers come again: results are remembered in a table of fixed size.
type phones struct {
	regions []string
	seed    maphash.Seed
	known   func() []atomic.Pointer[phoneNumber] // made when the first number comes: many rules never see one
}

type phoneNumber struct{ typed, e164 string }

const (
	knownPhones = 1 << 14
	// longestPhone bounds what is remembered: 2 MiB in all.
	longestPhone = 40
)

func newPhones(regions []string) *phones {
	return &phones{regions: regions, seed: maphash.MakeSeed(), known: sync.OnceValue(func() []atomic.Pointer[phoneNumber] {
		return make([]atomic.Pointer[phoneNumber], knownPhones)
	})}
}

// normalise makes the number E.164 (ITU-T), with its extension behind it as in RFC 3966: +4930123456;ext=7. Behind one
// number of a switchboard sit many people: two extensions are two customers, and neither is who calls without one. A
// number without a country code is read as of the first region in whose plan it is, else as of the first region. A
// number that has a possible length passes even when the plan of its country, which changes, does not know it.
func (p *phones) normalise(s string) (string, error) {
	if len(s) > longestPhone {
		return p.parse(s)
	}
	slot := &p.known()[maphash.String(p.seed, s)%knownPhones]
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
	if err != nil || once == s {
		return once, err
	}
	// Of nonsense such as nine zeros each reading takes another zero for a trunk prefix. It must not be one customer today
	// and another when it is read again.
	if twice, err := p.format(once); err != nil || twice != once {
		return "", errors.New("not a phone number")
	}
	return once, nil
}

func (p *phones) format(s string) (string, error) {
	n, err := p.read(s)
	if err != nil {
		return "", err
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if extension := phonenumbers.NormalizeDigitsOnly(n.GetExtension()); extension != "" {
		return e164 + extensionMark + extension, nil
	}
	return e164, nil
}

// extensionMark is in front of the extension (RFC 3966, section 5.3).
const extensionMark = ";ext="

// read finds the first region in whose plan the number is. One with a country code is the same in all.
func (p *phones) read(s string) (first *phonenumbers.PhoneNumber, err error) {
	for i, region := range p.regions {
		n, failed := phonenumbers.Parse(s, region)
		if failed == nil && phonenumbers.IsValidNumber(n) {
			return n, nil
		}
		if i == 0 {
			first, err = n, failed
		}
	}
	if err != nil {
		return nil, fmt.Errorf("not a phone number: %w", err)
	}
	if !phonenumbers.IsPossibleNumber(first) {
		return nil, errors.New("not a phone number: too short or too long for its country")
	}
	return first, nil
}

// International is how a number begins in E.164 of which these digits are the beginning as it is dialled in one of the regions, by their trunk
// prefixes: 030 12 begins +493012 in Germany. 00 is taken for the way abroad.
func (r *Rules) International(digits string) (begins []string) {
	if abroad, ok := strings.CutPrefix(digits, "00"); ok {
		return []string{"+" + abroad}
	}
	for _, region := range r.Regions {
		national := strings.TrimPrefix(digits, phonenumbers.GetNddPrefixForRegion(region, true))
		begins = append(begins, "+"+strconv.Itoa(phonenumbers.GetCountryCodeForRegion(region))+national)
	}
	return begins
}
