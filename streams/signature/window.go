package signature

import (
	"strconv"
	"time"
)

// inWindow judges the time that the request says it was signed at. The signature covers that time; who changes it does not
// pass the check that follows.
func (p *Proof) inWindow(r *Request, now time.Time) error {
	at, err := p.At(r)
	if err != nil {
		return err
	}
	if d := now.Sub(at); d > p.Window || d < -p.Window {
		return ErrStale
	}
	return nil
}

func (p *Proof) parseTime(text string) (time.Time, bool) {
	if p.TimestampFormat == "rfc3339" {
		t, err := time.Parse(time.RFC3339, text)
		return t, err == nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<53 {
		return time.Time{}, false
	}
	if p.TimestampFormat == "epoch_ms" {
		return time.UnixMilli(n), true
	}
	return time.Unix(n, 0), true
}

// At is when the request says it was signed; ErrMissing when it does not say.
func (p *Proof) At(r *Request) (time.Time, error) {
	at, ok := p.parseTime(p.Timestamp.Value(r))
	if !ok {
		return time.Time{}, ErrMissing
	}
	return at, nil
}
