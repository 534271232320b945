package registry

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

var good = Settings{Label: Text{EN: "Post", DE: "Post"}, Respond: 60, Tone: "formal", Cost: 1.25}

func TestSettingsAreChecked(t *testing.T) {
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, changes := range map[string][]func(*Settings){
		"label": {
			func(s *Settings) { s.Label.EN = "" }, func(s *Settings) { s.Label.DE = "  " }, func(s *Settings) { s.Label.EN = "a\x00b" },
			func(s *Settings) { s.Label.EN = "a\u202eb" }, func(s *Settings) { s.Label.DE = strings.Repeat("ä", MaxLabel+1) }, func(s *Settings) { s.Label.EN = "\xff" },
		},
		"respond_seconds": {func(s *Settings) { s.Respond = 0 }, func(s *Settings) { s.Respond = -1 }, func(s *Settings) { s.Respond = 367 * 86_400 }, func(s *Settings) { s.Respond = math.MaxInt64 }},
		"tone":            {func(s *Settings) { s.Tone = "" }, func(s *Settings) { s.Tone = "rude" }},
		"cost":            {func(s *Settings) { s.Cost = -0.01 }, func(s *Settings) { s.Cost = math.NaN() }, func(s *Settings) { s.Cost = math.Inf(1) }, func(s *Settings) { s.Cost = MaxCost + 1 }},
	} {
		for i, change := range changes {
			s := good
			change(&s)
			var wrong *SettingsError
			if err := s.Validate(); !errors.As(err, &wrong) || wrong.Field != field || !errors.Is(err, ErrBadSettings) {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
}

func TestSettingsStandInForTheInstallations(t *testing.T) {
	r := Default()
	before, _ := r.Channel("letter")
	own := r.With(map[string]Settings{"letter": good, "pigeon": good})
	c, ok := own.Channel("letter")
	if !ok || !c.Own || c.Label.EN != "Post" || c.Respond != time.Minute || c.Tone != "formal" || c.Cost != 1.25 || c.Synchronous != before.Synchronous {
		t.Errorf("letter is %+v", c)
	}
	if after, _ := r.Channel("letter"); after != before {
		t.Error("the installation's registry was changed")
	}
	if _, ok := own.Channel("pigeon"); ok || len(own.Channels) != len(r.Channels) {
		t.Error("settings made a channel")
	}
	if other, _ := own.Channel("email"); other.Own {
		t.Error("another channel counts as changed")
	}
}
