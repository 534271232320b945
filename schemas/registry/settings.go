package registry

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// Settings are what a workspace says of a channel in place of the installation. How conversations are derived does not depend on
// any of it: another label or cost shows in everything that is read, and changes nothing that was decided.
type Settings struct {
	Label   Text    `json:"label"`
	Respond int64   `json:"respond_seconds"` // 1 s to 366 days
	Tone    string  `json:"tone"`            // one of Tones
	Cost    float64 `json:"cost"`            // of one contact, in euro, 0 to MaxCost
}

// Limits of Settings.
const (
	MaxLabel   = 64 // characters
	MaxRespond = 366 * 24 * time.Hour
	MaxCost    = 100_000
)

// Tones are those in which a channel is written.
var Tones = []string{"formal", "friendly", "casual"}

// ErrBadSettings is wrapped by what Validate returns.
var ErrBadSettings = errors.New("bad settings of a channel")

// SettingsError says which field of Settings is wrong, and what would be right.
type SettingsError struct{ Field, Detail string }

func (e *SettingsError) Error() string {
	return fmt.Sprintf("%v: %s: %s", ErrBadSettings, e.Field, e.Detail)
}

func (e *SettingsError) Unwrap() error { return ErrBadSettings }

// Validate returns a *SettingsError for settings that are not within the limits.
func (s Settings) Validate() error {
	if !goodLabel(s.Label.EN) || !goodLabel(s.Label.DE) {
		return &SettingsError{"label", fmt.Sprintf("want 1 to %d characters that can be read, in en and in de", MaxLabel)}
	}
	if s.Respond < 1 || s.Respond > int64(MaxRespond/time.Second) {
		return &SettingsError{"respond_seconds", fmt.Sprintf("want 1 to %d", int64(MaxRespond/time.Second))}
	}
	if !slices.Contains(Tones, s.Tone) {
		return &SettingsError{"tone", fmt.Sprintf("want one of %v", Tones)}
	}
	if math.IsNaN(s.Cost) || s.Cost < 0 || s.Cost > MaxCost {
		return &SettingsError{"cost", fmt.Sprintf("want 0 to %d", MaxCost)}
	}
	return nil
}

func goodLabel(s string) bool {
	n, visible := 0, false
	for _, r := range s {
		n++
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
		visible = visible || !unicode.IsSpace(r)
	}
	return visible && n <= MaxLabel
}

// With returns the registry with settings in place of its own, by the name of the channel. Of channels that it does not have they
// mean nothing.
func (r *Registry) With(own map[string]Settings) *Registry {
	out := *r
	out.Channels = slices.Clone(r.Channels)
	for i, c := range out.Channels {
		s, ok := own[c.Name]
		if !ok {
			continue
		}
		c.Label, c.Respond, c.Tone, c.Cost, c.Own = s.Label, time.Duration(s.Respond)*time.Second, s.Tone, s.Cost, true
		out.Channels[i] = c
	}
	return &out
}
