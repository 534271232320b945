package registry

import (
	"strings"
	"testing"
)

func TestDefault(t *testing.T) {
	r := Default()
	for _, name := range strings.Fields("email chat phone sms whatsapp messenger instagram telegram viber wechat line x slack forum letter store app web survey help_centre portal voice_assistant") {
		c, ok := r.Channel(name)
		if !ok {
			t.Errorf("no channel %s", name)
			continue
		}
		if c.Label.EN == "" || c.Label.DE == "" || c.Respond <= 0 || c.Tone == "" {
			t.Errorf("channel %s is incomplete: %+v", name, c)
		}
	}
	if got := r.EffectOf("never.heard.of"); got != None {
		t.Errorf("an unknown kind has effect %s", got)
	}
	if s, _ := r.Scheme("session"); s.Apart {
		t.Error("sessions must only tie")
	}
	if s, _ := r.Scheme("ticket"); !s.Apart {
		t.Error("tickets must keep apart")
	}
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	for _, tc := range []struct{ yaml, want string }{
		{"channels: [{name: a}, {name: a}]", "channels[1].name"},
		{"kinds: [{name: a, effect: explode}]", "kinds[0].effect"},
		{"schemes: [{name: \"\"}]", "schemes[0].name"},
		{"schemes: [{name: a, replies: mail}]", "schemes[0].replies"},
		{"chanels: []", "chanels"},
	} {
		if _, err := Parse([]byte(tc.yaml)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Parse(%q) = %v, want an error that names %s", tc.yaml, err, tc.want)
		}
	}
}
