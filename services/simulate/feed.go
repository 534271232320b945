package simulate

import (
	"bytes"
	"math"
	"slices"
	"time"
)

// storiesADay is how many stories begin on an average day for each customer: some 25 touchpoints a month.
const storiesADay = 1.0 / 6

// feed is the company's touchpoints in the order of their time. They are a function of the company and the calendar
// alone: the stories that begin on a day, and those that begin in a second of live traffic, are the same whenever and
// however often they are asked for. So a feed can begin anywhere and no touchpoint is ever another than before.
type feed struct {
	c       *company
	after   int64     // ms since 1970: touchpoints up to here were given before
	day     time.Time // midnight of the next day whose stories are to be told
	second  int64     // the next second of live traffic, s since 1970
	rate    float64   // live touchpoints a second; 0: none
	pending []touch   // by time
}

// newFeed gives the touchpoints after the moment; of natural stories none that began before first, of live ones none that
// began before live.
func newFeed(c *company, first, after, live time.Time, rate float64) *feed {
	earliest := after.Add(-longestNatural)
	if earliest.Before(first) {
		earliest = first
	}
	y, m, d := earliest.In(c.zone).Date()
	second := after.Add(-longestBrisk)
	if second.Before(live) {
		second = live
	}
	return &feed{c: c, after: after.UnixMilli(), day: time.Date(y, m, d, 0, 0, 0, 0, c.zone), second: second.Unix(), rate: rate}
}

// until returns what happens up to and including the moment, at most most touchpoints; all tells whether that is
// everything.
func (f *feed) until(t time.Time, most int) (out []touch, all bool) {
	end := t.UnixMilli()
	// Days are told one at a time, so that a long history does not fill memory.
	for len(f.ready(end)) == 0 && !f.day.After(t) {
		f.tellDay()
	}
	if f.rate > 0 {
		before, last := len(f.pending), min(t.Unix(), f.day.Unix()-1)
		for ; f.second <= last; f.second++ {
			f.tellSecond(f.second)
		}
		f.sort(before)
	}
	ready := f.ready(end)
	n := min(len(ready), most)
	out = ready[:n]
	f.pending = f.pending[n:]
	return out, n == len(ready) && f.day.After(t)
}

// ready is what may be given: what comes before the stories that are not told yet.
func (f *feed) ready(end int64) []touch {
	end = min(end, f.day.UnixMilli()-1)
	n, _ := slices.BinarySearchFunc(f.pending, end, func(x touch, end int64) int {
		if x.time <= end {
			return -1
		}
		return 1
	})
	return f.pending[:n]
}

// tellDay adds the stories that begin on the next day.
func (f *feed) tellDay() {
	y, m, d := f.day.Date()
	number := uint64(y*10000 + int(m)*100 + d)
	r := f.c.chance("day", number)
	customers := len(f.c.customers)
	mean := float64(customers) * storiesADay * days[f.day.Weekday()]
	before := len(f.pending)
	for i := range poisson(r, mean) {
		key := mix(mix(f.c.seed^number) + uint64(i))
		own := f.c.chance("story", key)
		// Every other story takes the customers in turn, so that all appear within 25 days; the rest prefers some. A day
		// moves on by less than it has such stories, so that none is passed over.
		who := int(math.Pow(own.Float64(), 1.7) * float64(customers))
		if i%2 == 0 {
			who = (int(f.day.Unix()/86400)*(customers/25+1) + i/2) % customers
		}
		f.add(f.c.tell(key, startOn(own, f.day), own, who, natural))
	}
	f.day = time.Date(y, m, d+1, 0, 0, 0, 0, f.c.zone)
	f.sort(before)
}

// tellSecond adds the live stories that begin in the second.
func (f *feed) tellSecond(second int64) {
	r := f.c.chance("second", uint64(second))
	for i := range poisson(r, f.rate/f.c.stepsAStory()) {
		key := mix(mix(f.c.seed^uint64(second)^1<<63) + uint64(i))
		own := f.c.chance("live", key)
		start := time.Unix(second, own.Int64N(int64(time.Second)))
		f.add(f.c.tell(key, start, own, own.IntN(len(f.c.customers)), brisk))
	}
}

func (f *feed) add(told []touch) {
	for _, t := range told {
		if t.time > f.after {
			f.pending = append(f.pending, t)
		}
	}
}

// sort puts what was added into its place.
func (f *feed) sort(before int) {
	if len(f.pending) == before {
		return
	}
	slices.SortFunc(f.pending, func(x, y touch) int {
		if x.time != y.time {
			return int(min(max(x.time-y.time, -1), 1))
		}
		return bytes.Compare(x.line, y.line)
	})
}

// stepsAStory is how many touchpoints a story has on average.
func (c *company) stepsAStory() float64 {
	sum := 0.0
	for i := range c.stories {
		for _, s := range c.stories[i].Steps {
			chance := s.Chance
			if chance == 0 {
				chance = 1
			}
			sum += chance * float64(c.stories[i].Weight)
		}
	}
	return sum / float64(c.weights)
}
