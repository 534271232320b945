package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Config says how to reach the brokers.
type Config struct {
	Brokers  []string // host:port of some brokers; the others are found through them
	ClientID string   // shown in the broker's logs and quotas; "throughline" when empty
	TLS      *tls.Config
	SASL     SASL
	Logger   *slog.Logger // nil discards

	// DialTimeout bounds one attempt to connect; 0 means 3 s.
	DialTimeout time.Duration
}

// SASL is a user name and password. The zero value means none.
type SASL struct {
	Mechanism string // "", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"
	User      string
	Password  string
}

// LogValue keeps the password out of logs.
func (s SASL) LogValue() slog.Value {
	return slog.GroupValue(slog.String("mechanism", s.Mechanism), slog.String("user", s.User))
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	if len(c.Brokers) == 0 {
		return errors.New("kafka: no brokers given")
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return fmt.Errorf("kafka: broker %q is not host:port: %w", b, err)
		}
	}
	if _, err := c.SASL.mechanism(); err != nil {
		return err
	}
	return nil
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Auth{User: s.User, Pass: s.Password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("kafka: unknown SASL mechanism %q (PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512)", s.Mechanism)
}

// newClient connects lazily: it returns before a broker was reached.
func (c Config) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	id := c.ClientID
	if id == "" {
		id = "throughline"
	}
	dial := c.DialTimeout
	if dial == 0 {
		dial = 3 * time.Second
	}
	base := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		kgo.DialTimeout(dial),
		kgo.WithLogger(logAdapter{c.logger()}),
		// The default doubles from 250 ms to 2.5 s. A broker that comes back should be noticed sooner than that.
		kgo.RetryBackoffFn(backoff),
		// A broker that is starting or stopping closes connections at once, which the client otherwise takes for a
		// wrong configuration and gives up.
		kgo.AlwaysRetryEOF(),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MetadataMaxAge(time.Minute),
	}
	if c.TLS != nil {
		base = append(base, kgo.DialTLSConfig(c.TLS))
	}
	if m, err := c.SASL.mechanism(); err != nil {
		return nil, err
	} else if m != nil {
		base = append(base, kgo.SASL(m))
	}
	cl, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: client: %w", err)
	}
	return cl, nil
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// backoff is the wait before try n (from 1): 50 ms doubling to 1 s.
func backoff(n int) time.Duration {
	return min(50*time.Millisecond<<min(max(n-1, 0), 5), time.Second)
}

// sleep waits d or until ctx is done, and reports whether it waited to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// logAdapter writes the client's own log lines. The client logs every rebalance at info and every lost connection at
// warn; both are debug detail here, since roles log what they mean.
type logAdapter struct{ l *slog.Logger }

func (a logAdapter) Level() kgo.LogLevel {
	switch {
	case a.l.Enabled(context.Background(), slog.LevelDebug):
		return kgo.LogLevelInfo
	case a.l.Enabled(context.Background(), slog.LevelError):
		return kgo.LogLevelError
	}
	return kgo.LogLevelNone
}

func (a logAdapter) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	lv := slog.LevelDebug
	if level == kgo.LogLevelError {
		lv = slog.LevelError
	}
	a.l.Log(context.Background(), lv, "kafka client: "+msg, keyvals...)
}
