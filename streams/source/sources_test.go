package source_test

import (
	"errors"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

func TestFixturesBecomeWhatTheirFilesSay(t *testing.T) {
	each(t, func(t *testing.T, fx sourcetest.Fixture) {
		got := become(fx)
		if want := want(t, fx, got); got.String() != want {
			t.Errorf("got %swant %s", got, want)
		}
	})
}

func TestForgedRequestsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, fx sourcetest.Fixture) {
		if fx.Source.Proof.Method == signature.URLKey || become(fx).Handshake != nil {
			t.Skip("it proves nothing but its source key")
		}
		reader := fx.Source.NewReader(nil)
		other := func(string) []string { return []string{"another-secret"} }
		if _, err := reader.Read(fx.Request, other, fx.Now); !errors.Is(err, signature.ErrForged) && !errors.Is(err, signature.ErrBadSecret) {
			t.Errorf("by another secret: %v", err)
		}
		if _, err := reader.Read(fx.Request, func(string) []string { return nil }, fx.Now); !errors.Is(err, signature.ErrNoSecret) {
			t.Errorf("without a secret: %v", err)
		}
		two := func(name string) []string { return append([]string{"another-secret"}, fx.Known(name)...) }
		if _, err := reader.Read(fx.Request, two, fx.Now); err != nil && !errors.Is(err, signature.ErrBadSecret) && err.Error() != become(fx).Error {
			t.Errorf("while the secret is replaced: %v", err)
		}
	})
}

func TestRequestsOutsideTheWindowAreRefused(t *testing.T) {
	each(t, func(t *testing.T, fx sourcetest.Fixture) {
		p := fx.Proof()
		if !p.Timestamp.Given() {
			t.Skip("the provider signs no time")
		}
		reader := fx.Source.NewReader(nil)
		for _, off := range []time.Duration{p.Window + time.Minute, -p.Window - time.Minute} {
			if _, err := reader.Read(fx.Request, fx.Known, fx.Now.Add(off)); !errors.Is(err, signature.ErrStale) {
				t.Errorf("%s off: %v", off, err)
			}
		}
	})
}
