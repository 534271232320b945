// Package webhook is the door for providers: POST /v1/sources/{name}/{key}. What a request must prove and what it becomes is said by
// source files (package source of streams); this package finds whose it is, brings it to collect, and answers.
//
// # What is not obvious
//
//   - The key in the address says whose requests they are. It is not enough to be let in: a request also proves itself by the
//     provider's signature, where the provider has one.
//   - A request that is good and cannot be placed is answered 200: sent again it would be the same. What it was is in the dead letters.
//     While the log is away, or no secret is set, the answer is 503, and the provider sends it again.
//   - Neither secrets nor source keys are in any log line, metric, or answer to somebody else.
package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/workspaces"
)

// Directory knows API keys and source keys.
type Directory interface {
	api.Directory
	SourceKey(key string) (workspace.SourceKey, bool)
	SourceKeys(workspace string) []workspaces.ListedSourceKey
	AddSourceKey(ctx context.Context, key string, k workspace.SourceKey) (id string, err error)
	RevokeSourceKey(ctx context.Context, workspace, id string, at int64) error
}

// Config configures a Door. Start from DefaultConfig.
type Config struct {
	Collector *collect.Collector
	Directory Directory
	Settings

	// HTTP fetches the certificates that some providers sign with; nil: http.DefaultClient. It is told to follow nobody elsewhere.
	HTTP *http.Client
	// Roots are who is trusted to have issued them; nil: whom the system trusts.
	Roots *x509.CertPool

	Now        func() time.Time
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil discards
}

// Settings are what users say about sources.
type Settings struct {
	Sources *Sources
	Secrets *Secrets
	// PublicURL is scheme and host as providers see them, where that is not what requests say: some sign the address.
	PublicURL string
}

// DefaultSettings have the sources that ship and the secrets of no one.
func DefaultSettings() Settings { return Settings{Sources: Shipped(), Secrets: NewSecrets(nil, "")} }

// DefaultConfig has DefaultSettings; Collector and Directory must be filled in.
func DefaultConfig() Config { return Config{Settings: DefaultSettings(), Now: time.Now} }

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.Collector == nil:
		return errors.New("webhook: no collector")
	case c.Directory == nil:
		return errors.New("webhook: no directory of keys")
	case c.Sources == nil || c.Secrets == nil:
		return errors.New("webhook: no sources or no secrets")
	case c.Now == nil:
		return errors.New("webhook: no clock")
	}
	return ValidPublicURL(c.PublicURL)
}

// ValidPublicURL reports an address that is not scheme and host.
func ValidPublicURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" {
		return fmt.Errorf("webhook: public URL %q is not like https://events.example.com", s)
	}
	return nil
}

// Door answers providers. It is safe for use by several goroutines.
type Door struct {
	config       Config
	log          *slog.Logger
	metrics      metrics
	certificates *certificates
}

// New makes a Door.
func New(c Config) (*Door, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	d := &Door{config: c, log: c.Logger, metrics: newMetrics(c.Registerer), certificates: newCertificates(c.HTTP, c.Roots, c.Now)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

// Mount adds the paths of providers, and those by which source keys are made.
func (d *Door) Mount(routes *api.Routes) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		routes.Handle(method, "/v1/sources/{name}/{key}", http.HandlerFunc(d.take))
	}
	admin := func(h http.HandlerFunc) http.Handler {
		return api.Authenticated(d.config.Directory, workspace.Admin, h)
	}
	routes.Handle(http.MethodGet, "/v1/sources", api.Authenticated(d.config.Directory, workspace.Read, http.HandlerFunc(d.listSources)))
	routes.Handle(http.MethodGet, "/v1/source-keys", admin(d.listKeys))
	routes.Handle(http.MethodPost, "/v1/source-keys", admin(d.createKey))
	routes.Handle(http.MethodDelete, "/v1/source-keys/{id}", admin(d.revokeKey))
}
