package conversation

import (
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/registry"
)

// A survey and its answer are about what came before them, be it settled or not; an answer without a thread finds the survey that it answers.

// How far back an answer looks for its survey.
const (
	surveyDays  = int64(30 * 24 * time.Hour / time.Millisecond)
	surveyStubs = 1000
)

// surveys tells whether the stub asks for a judgement or is one.
func (t *tables) surveys(s *stub) bool {
	e := t.effect(s)
	return e == registry.Survey || e == registry.Rated
}

// scaleOf is what the stub judges on; 0 for nothing.
func (t *tables) scaleOf(s *stub) uint32 {
	n := t.labels.values[s.label].rating
	if n == unrated {
		return 0
	}
	return t.ratings.values[n].scale
}

// answers returns the conversation of the latest survey before the judgement at the place that has no answer on its scale yet, or none.
func (h *Homes) answers(p *person, at int) uint32 {
	answer := &p.stubs[at]
	if h.effect(answer) != registry.Rated {
		return none
	}
	var seen [16]uint32
	answered := seen[:0]
	for i := at - 1; i >= 0 && i >= at-surveyStubs && p.stubs[i].time >= answer.time-surveyDays; i-- {
		s := &p.stubs[i]
		switch h.effect(s) {
		case registry.Rated:
			if h.scaleOf(s) == h.scaleOf(answer) {
				answered = append(answered, s.conv)
			}
		case registry.Survey:
			if !slices.Contains(answered, s.conv) {
				return s.conv
			}
		}
	}
	return none
}

// surveyAfter tells whether a survey or an answer that may be where it is because of what came before comes after a late stub.
func (h *Homes) surveyAfter(p *person, at int, late *stub) bool {
	until := late.time + max(surveyDays, h.window)
	for i := at; i < len(p.stubs) && p.stubs[i].time <= until; i++ {
		if s := &p.stubs[i]; h.surveys(s) && !h.keepsApart(s) {
			return true
		}
	}
	return false
}

// keepsApart tells whether the stub carries a thread that keeps apart: it is where that leads.
func (t *tables) keepsApart(s *stub) bool {
	for _, n := range t.threadsOf(s) {
		if t.scheme(n).apart {
			return true
		}
	}
	return false
}
