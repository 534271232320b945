package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/throughline/throughline/streams/signature"
)

// Limits of what is fetched: Amazon signs with one certificate at a time, and its chain has some 6 KB.
const (
	fetchFor      = 5 * time.Second
	maxChainBytes = 64 << 10
	maxChains     = 16
)

// errNoCertificate is returned while a certificate cannot be fetched.
var errNoCertificate = errors.New("webhook: certificate not fetched")

// certificates fetches the certificates that requests name, once, and keeps them until they expire. Where they may be fetched from is
// decided before (signature.CertificatePlace).
type certificates struct {
	client *http.Client
	roots  func() (*x509.CertPool, error)
	now    func() time.Time
	turn   chan struct{} // one fetch at a time: many requests come with one certificate

	mu   sync.Mutex
	kept map[string]chain
}

type chain struct {
	pem     []byte
	expires time.Time
}

func newCertificates(client *http.Client, roots *x509.CertPool, now func() time.Time) *certificates {
	c := &certificates{now: now, turn: make(chan struct{}, 1), kept: map[string]chain{}, roots: sync.OnceValues(x509.SystemCertPool)}
	if roots != nil {
		c.roots = func() (*x509.CertPool, error) { return roots, nil }
	}
	if client == nil {
		client = http.DefaultClient
	}
	one := *client
	one.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // it would lead to where nobody decided
	c.client = &one
	return c
}

// get finds the certificates at an address. The error wraps errNoCertificate, or signature.ErrForged when nothing is there.
func (c *certificates) get(ctx context.Context, address, name string) (*signature.Certificates, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	if found := c.lookUp(address); found != nil {
		return &signature.Certificates{Chain: found, Roots: roots}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchFor)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNoCertificate, ctx.Err())
	}
	if found := c.lookUp(address); found != nil { // by who had the turn before
		return &signature.Certificates{Chain: found, Roots: roots}, nil
	}
	pem, err := c.fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	out := &signature.Certificates{Chain: pem, Roots: roots}
	if signer, err := out.Signer(name, c.now()); err == nil { // what nobody believes is not kept
		c.keep(address, chain{pem, signer.NotAfter})
	}
	return out, nil
}

func (c *certificates) lookUp(address string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.kept[address]; ok && c.now().Before(found.expires) {
		return found.pem
	}
	return nil
}

// keep remembers a chain, in the place of the one that expires first when there are too many.
func (c *certificates) keep(address string, fetched chain) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[address] = fetched
	if len(c.kept) <= maxChains {
		return
	}
	first := address
	for a, k := range c.kept {
		if k.expires.Before(c.kept[first].expires) {
			first = a
		}
	}
	delete(c.kept, first)
}

func (c *certificates) fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone: // S3 says so of what it does not have
		return nil, fmt.Errorf("%w: there is no certificate at that address", signature.ErrForged)
	default:
		return nil, fmt.Errorf("%w: answered %s", errNoCertificate, res.Status)
	}
	pem, err := io.ReadAll(io.LimitReader(res.Body, maxChainBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoCertificate, err)
	}
	if len(pem) > maxChainBytes {
		return nil, fmt.Errorf("%w: larger than %d bytes", signature.ErrForged, maxChainBytes)
	}
	return pem, nil
}
