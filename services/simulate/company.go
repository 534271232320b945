package simulate

import (
	"bytes"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"unicode"
)

var (
	//go:embed company.yaml
	companyYAML []byte
	//go:embed stories.yaml
	storiesYAML []byte
	//go:embed phrases.yaml
	phrasesYAML []byte
)

// company is everything that does not depend on time: a function of the seed and the number of customers.
type company struct {
	Given    map[string][]string
	Family   map[string][]string
	Mail     []string
	Zones    map[string]string
	Stores   []string
	Products []string
	Zone     string
	Teams    []team

	seed      uint64
	zone      *time.Location
	customers []customer
	stories   []story
	weights   int
	phrases   map[string]map[string][]string
}

// team has people and hours.
type team struct {
	Name     string
	Agents   []string
	Weekdays []int
	Saturday []int
	Sunday   []int
}

// customer is one of the company's customers with all that points at them.
type customer struct {
	Name     string
	Language string
	zone     *time.Location
	ids      map[string]string
}

// newCompany reads the tables and makes the customers.
func newCompany(seed uint64, customers int) (*company, error) {
	c := &company{seed: seed}
	if err := decode(companyYAML, c); err != nil {
		return nil, fmt.Errorf("simulate: company.yaml: %w", err)
	}
	var s struct{ Stories []story }
	if err := decode(storiesYAML, &s); err != nil {
		return nil, fmt.Errorf("simulate: stories.yaml: %w", err)
	}
	var p struct {
		Phrases map[string]map[string][]string
	}
	if err := decode(phrasesYAML, &p); err != nil {
		return nil, fmt.Errorf("simulate: phrases.yaml: %w", err)
	}
	c.stories, c.phrases = s.Stories, p.Phrases
	for _, s := range c.stories {
		c.weights += s.Weight
	}
	var err error
	if c.zone, err = time.LoadLocation(c.Zone); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	zones := map[string]*time.Location{}
	for language, name := range c.Zones {
		if zones[language], err = time.LoadLocation(name); err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
	}
	c.customers = make([]customer, customers)
	for i := range c.customers {
		c.customers[i] = c.newCustomer(i, zones)
	}
	return c, nil
}

func decode(data []byte, v any) error {
	return yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(v)
}

// newCustomer makes the i-th customer. Whatever points at a customer has the number in it, so that no two share it.
func (c *company) newCustomer(i int, zones map[string]*time.Location) customer {
	r := c.chance("customer", uint64(i))
	language, phone := "de", "+491511"+strconv.Itoa(1_000_000+i*7919%8_999_993)
	if r.IntN(100) < 35 {
		language, phone = "en", "+447400"+strconv.Itoa(100_000+i*7919%899_981)
	}
	given, family := pick(r, c.Given[language]), pick(r, c.Family[language])
	plain := ascii(given) + "." + ascii(family) + strconv.Itoa(i+1)
	return customer{
		Name:     given + " " + family,
		Language: language,
		zone:     zones[language],
		ids: map[string]string{
			"customer_id":     "C-" + strconv.Itoa(100_001+i),
			"email":           plain + "@" + pick(r, c.Mail),
			"phone":           phone,
			"whatsapp":        phone,
			"cookie":          "ck_" + hexOf(r.Uint64()) + strconv.Itoa(i),
			"device":          "dev-" + hexOf(r.Uint64()) + strconv.Itoa(i),
			"instagram":       strings.ReplaceAll(plain, ".", "_"),
			"forum":           strings.ReplaceAll(plain, ".", "-"),
			"loyalty_card":    strconv.Itoa(2_400_000_000_000 + i*10 + r.IntN(10)),
			"voice_assistant": "va-" + hexOf(r.Uint64()) + strconv.Itoa(i),
		},
	}
}

// chance is the source of all that is left to chance about the thing of that name and number.
func (c *company) chance(what string, n uint64) *rand.Rand {
	h := mix(c.seed)
	for i := range len(what) {
		h = mix(h ^ uint64(what[i]))
	}
	return rand.New(rand.NewPCG(h, mix(n)))
}

func (c *company) team(name string) *team {
	for i := range c.Teams {
		if c.Teams[i].Name == name {
			return &c.Teams[i]
		}
	}
	panic("simulate: no team " + name) // the tables are compiled in and tested
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func hexOf(x uint64) string { return string(appendHex(nil, x, 10)) }

// ascii writes a name as it stands in a mail address.
func ascii(s string) string {
	s = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "Ö", "oe", "Ü", "ue", "ı", "i", "ł", "l", "'", "").Replace(s)
	s, _, _ = transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn))), s) // cannot fail: names are short and UTF-8
	return strings.ToLower(s)
}
