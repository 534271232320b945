package simulate

import (
	"fmt"
	"strconv"
)

// GeneratorConfig says what a Generator makes.
type GeneratorConfig struct {
	Seed        uint64
	Customers   uint64
	Touchpoints uint64 // over which From to To is spread
	From, To    int64  // ms since 1970
}

// Generator makes touchpoints fast, for measuring: stories of five touchpoints on eight channels, with several
// identifiers and threads, of about 500 bytes each. The i-th is a pure function of the configuration and i, so any
// part can be made again, or several parts side by side.
//
// 4,096 stories go on at a time, each at its own step, so that the touchpoints of one story are some way apart on the
// log, as they are in life, while the times only grow.
type Generator struct {
	c         GeneratorConfig
	next      uint64
	templates [stories][steps][]segment
}

const (
	steps   = 5
	stories = 4
	lanes   = 4096 // stories at a time
)

// NewGenerator checks the configuration and compiles the templates.
func NewGenerator(c GeneratorConfig) (*Generator, error) {
	if c.Customers < 1 || c.Customers > 1<<32 || c.Touchpoints < 1 || c.From > c.To {
		return nil, fmt.Errorf("simulate: generator: want customers, touchpoints and a range of time, got %+v", c)
	}
	g := &Generator{c: c}
	for s := range templates {
		for t := range templates[s] {
			g.templates[s][t] = compile(templates[s][t])
		}
	}
	return g, nil
}

// Next appends the next touchpoint as JSON, without a line feed, to dst.
func (g *Generator) Next(dst []byte) []byte {
	g.next++
	return g.At(dst, g.next-1)
}

// At appends the i-th touchpoint. It does not change the generator and may be called by several goroutines.
func (g *Generator) At(dst []byte, i uint64) []byte {
	block, within := i/(lanes*steps), i%(lanes*steps)
	story, step := block*lanes+within%lanes, within/lanes
	h := mix(g.c.Seed ^ mix(story))
	v := values{
		touchpoint: i,
		story:      mix(g.c.Seed + story),
		customer:   h % g.c.Customers,
		chance:     mix(h + step),
		time:       g.c.From + int64(float64(g.c.To-g.c.From)*float64(i%g.c.Touchpoints)/float64(g.c.Touchpoints)),
		seed:       g.c.Seed,
	}
	for _, s := range g.templates[h>>32%stories][step] {
		dst = append(dst, s.text...)
		dst = v.append(dst, s.slot)
	}
	return dst
}

// values fill the slots of a template.
type values struct {
	touchpoint, story, customer, chance, seed uint64
	time                                      int64
}

func (v *values) append(dst []byte, s slot) []byte {
	switch s {
	case slotID:
		dst = appendHex(dst, v.seed, 8)
		dst = append(dst, '-')
		return appendHex(dst, v.touchpoint, 12)
	case slotTime:
		return strconv.AppendInt(dst, v.time, 10)
	case slotStory:
		return appendHex(dst, v.story, 16)
	case slotCustomer:
		return strconv.AppendUint(dst, 100_000+v.customer, 10)
	case slotPhone: // behind +49 1590
		return strconv.AppendUint(dst, 1_000_000+v.customer%9_000_000, 10)
	case slotDevice:
		return strconv.AppendUint(dst, v.story%3, 10)
	case slotAgent:
		return strconv.AppendUint(dst, 1+v.story%200, 10)
	case slotTeam:
		return append(dst, teamNames[v.story%uint64(len(teamNames))]...)
	case slotTopic:
		return append(dst, topicNames[v.story>>8%uint64(len(topicNames))]...)
	case slotText:
		dst = append(dst, openings[v.chance%uint64(len(openings))]...)
		return append(dst, closings[v.chance>>16%uint64(len(closings))]...)
	case slotStars:
		return append(dst, '1'+byte(v.chance%5))
	}
	return dst
}

// mix is the finaliser of SplitMix64: every bit of the result depends on every bit of x.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, x uint64, digits int) []byte {
	for n := digits - 1; n >= 0; n-- {
		dst = append(dst, hexDigits[x>>(4*n)&15])
	}
	return dst
}
