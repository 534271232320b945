package source_test

import (
	"errors"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/signature"
)

func TestFixturesBecomeWhatTheirFilesSay(t *testing.T) {
	each(t, func(t *testing.T, fx fixture) {
		got := fx.become()
		if want := fx.want(t, got); got.String() != want {
			t.Errorf("got %swant %s", got, want)
		}
	})
}

func TestForgedRequestsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, fx fixture) {
		if fx.source.Proof.Method == signature.URLKey || fx.become().Handshake != nil {
			t.Skip("it proves nothing but its source key")
		}
		reader := fx.source.NewReader(nil)
		other := func(string) []string { return []string{"another-secret"} }
		if _, err := reader.Read(fx.request, other, fx.now); !errors.Is(err, signature.ErrForged) && !errors.Is(err, signature.ErrBadSecret) {
			t.Errorf("by another secret: %v", err)
		}
		if _, err := reader.Read(fx.request, func(string) []string { return nil }, fx.now); !errors.Is(err, signature.ErrNoSecret) {
			t.Errorf("without a secret: %v", err)
		}
		two := func(name string) []string { return append([]string{"another-secret"}, fx.known(name)...) }
		if _, err := reader.Read(fx.request, two, fx.now); err != nil && !errors.Is(err, signature.ErrBadSecret) {
			t.Errorf("while the secret is replaced: %v", err)
		}
	})
}

func TestRequestsOutsideTheWindowAreRefused(t *testing.T) {
	each(t, func(t *testing.T, fx fixture) {
		p := fx.source.Proof
		if !p.Timestamp.Given() {
			t.Skip("the provider signs no time")
		}
		reader := fx.source.NewReader(nil)
		for _, off := range []time.Duration{p.Window + time.Minute, -p.Window - time.Minute} {
			if _, err := reader.Read(fx.request, fx.known, fx.now.Add(off)); !errors.Is(err, signature.ErrStale) {
				t.Errorf("%s off: %v", off, err)
			}
		}
	})
}
